import { type JobType, jobTypeNames, jobTypes, workerOf } from "./job-types.ts";
import type { Operation } from "./routes.ts";

/** Who makes room for whom: `low` can wait, and is refused first; `money` is refused last. */
export type Priority = "low" | "normal" | "money";

/** How full a queue is. From a level on, work of a priority is refused. */
export const raisedLevels = ["soft", "hard", "full"] as const;
export const levels = ["none", ...raisedLevels] as const;
export type RaisedLevel = (typeof raisedLevels)[number];
export type Level = (typeof levels)[number];
export const heightOf = (level: Level): number => levels.indexOf(level);

/** The metric of a queue's height, by queue. */
export const queueLevel = "QueueLevel";

/** Work that waits in a queue because a request asked for it. */
export interface KindOfWork {
  /** What it waits in, beside queues that go at the pace of a provider. */
  readonly queues: readonly string[];
  readonly priority: Priority;
}

export type WorkKind = JobType | "engagements" | "webhook.resend" | "webhook.test" | "review";

/** Where an engagement becomes money. What can wait makes room for it, whatever else it waits for. */
export const moneyPath: readonly string[] = ["count-engagements", "settle-creator"];

const webhooks: KindOfWork = {
  queues: ["create-deliveries", "deliver-webhook"],
  priority: "normal",
};

const jobs = Object.fromEntries(
  jobTypeNames.map((type) => {
    const more = type === "notification.fanout" ? ["fan-out-chunk"] : [];
    return [type, { queues: [workerOf(type), ...more], priority: jobTypes[type].priority }];
  }),
) as unknown as Readonly<Record<JobType, KindOfWork>>;

export const kindsOfWork: Readonly<Record<WorkKind, KindOfWork>> = {
  // Not refused for what is counted and waits to be settled: that becomes no less by it.
  engagements: { queues: ["count-engagements"], priority: "money" },
  ...jobs,
  "webhook.resend": webhooks,
  "webhook.test": webhooks,
  review: { queues: ["apply-review"], priority: "normal" },
};

export const workKinds = Object.keys(kindsOfWork) as readonly WorkKind[];

/** What routes ask for that put work on a queue, all of them; nothing: they are never refused. */
export const workAskedFor = {
  "accept-engagements": ["engagements"],
  "accept-publisher-engagements": ["engagements"],
  // The body says which.
  "request-job": jobTypeNames,
  "publish-article": ["notification.fanout"],
  "resend-webhooks": ["webhook.resend"],
  "test-webhook-endpoint": ["webhook.test"],
  "request-review": ["review"],
  // Money that is earned already: its entry is in the ledger at once, and only news of it wait.
  "request-payout": [],
  // There is less to do for it.
  "cancel-job": [],
  // How operators mend what is wrong.
  "change-dead-letters": [],
} as const satisfies { readonly [O in Operation]?: readonly WorkKind[] };

/** What a queue is for: the most that is at stake in it. */
export function priorityOf(queue: string): Priority {
  if (moneyPath.includes(queue)) return "money";
  const kinds = Object.values(kindsOfWork).filter(({ queues }) => queues.includes(queue));
  return kinds.length > 0 && kinds.every(({ priority }) => priority === "low") ? "low" : "normal";
}
