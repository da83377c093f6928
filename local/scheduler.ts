import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { InvocationOutcome, LambdaFunction } from "./lambda/function.ts";
import type { Functions } from "./lambda/functions.ts";
import { defaultRetries, retryAsync } from "./lambda/retry-async.ts";
import { type NextRun, parseSchedule } from "./schedule-expression.ts";
import type { Queue, Queues } from "./sqs/queues.ts";
import { number, readProperties } from "./templates/properties.ts";
import { describe, type Resource } from "./templates/resources.ts";

const scheduleShape = {
  Name: z.string().optional(),
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.literal("UTC", { error: "only UTC is implemented" }).optional(),
  State: z.enum(["ENABLED", "DISABLED"]).default("ENABLED"),
  Target: z.strictObject({
    Arn: z.string().includes(":lambda:", { error: "only functions are invoked" }),
    Input: z.string().optional(),
    DeadLetterConfig: z.strictObject({ Arn: z.string() }).optional(),
    RetryPolicy: z
      .strictObject({
        MaximumEventAgeInSeconds: number.optional(),
        MaximumRetryAttempts: number.optional(),
      })
      .optional(),
    RoleArn: z.unknown().optional(),
  }),
};
const invokeConfigShape = {
  FunctionName: z.string(),
  Qualifier: z.string().optional(),
  MaximumRetryAttempts: number.default(defaultRetries),
  MaximumEventAgeInSeconds: number.optional(),
};

interface Schedule {
  readonly name: string;
  readonly next: NextRun;
  readonly enabled: boolean;
  readonly lambda: LambdaFunction;
  readonly input: string | undefined;
  readonly arn: string;
  readonly retries: number;
  readonly deadLetters: Queue | undefined;
}

export interface Scheduler {
  readonly names: readonly string[];
  /** Runs a schedule's target now; resolves with the first attempt's outcome. */
  fire(name: string): Promise<InvocationOutcome>;
  stop(): Promise<void>;
}

export interface SchedulerDeps {
  readonly functions: Functions;
  readonly queues: Queues;
  /** Off: schedules run only when they are fired, for tests that own the clock. */
  readonly automatic: boolean;
  /** How long a minute of a `rate` lasts. */
  readonly minuteMs: number;
}

export function startScheduler(
  schedules: readonly Resource[],
  invokeConfigs: readonly Resource[],
  deps: SchedulerDeps,
): Scheduler {
  const retries = new Map(
    invokeConfigs.map((resource) => {
      const properties = readProperties(resource, invokeConfigShape);
      return [deps.functions.get(properties.FunctionName).name, properties.MaximumRetryAttempts];
    }),
  );
  const all = schedules.map((resource) => readSchedule(resource, retries, deps));
  const stopping = new AbortController();
  const running = new Set<Promise<unknown>>();
  const fire = (schedule: Schedule) => {
    const first = invoke(schedule);
    const run = first.then((outcome) => retry(schedule, outcome, stopping.signal));
    running.add(run);
    void run.finally(() => running.delete(run));
    return first;
  };
  if (deps.automatic) {
    for (const schedule of all) if (schedule.enabled) void repeat(schedule, fire, stopping.signal);
  }
  return {
    names: all.map(({ name }) => name),
    fire(name) {
      const schedule = all.find((candidate) => candidate.name === name);
      if (schedule !== undefined) return fire(schedule);
      throw new Error(`there is no schedule ${name}; there are ${all.map((one) => one.name)}`);
    },
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

function readSchedule(
  resource: Resource,
  retries: ReadonlyMap<string, number>,
  { functions, queues, minuteMs }: SchedulerDeps,
): Schedule {
  const properties = readProperties(resource, scheduleShape, [
    "Description",
    "FlexibleTimeWindow",
    "GroupName",
    "KmsKeyArn",
  ]);
  const { Target: target } = properties;
  const lambda = functions.get(target.Arn);
  const deadLetters = target.DeadLetterConfig && queues.byArn(target.DeadLetterConfig.Arn);
  try {
    return {
      name: resource.ref,
      arn: resource.attributes.Arn ?? resource.ref,
      next: parseSchedule(properties.ScheduleExpression, minuteMs),
      enabled: properties.State === "ENABLED",
      lambda,
      input: target.Input,
      retries: retries.get(lambda.name) ?? defaultRetries,
      deadLetters,
    };
  } catch (cause) {
    throw new Error(`${describe(resource)}: ${(cause as Error).message}`, { cause });
  }
}

async function repeat(
  schedule: Schedule,
  fire: (schedule: Schedule) => Promise<unknown>,
  stopping: AbortSignal,
): Promise<void> {
  const longestTimerMs = 2_147_483_647;
  let dueMs = schedule.next(Date.now());
  while (dueMs !== undefined) {
    const waitMs = Math.min(Math.max(dueMs - Date.now(), 0), longestTimerMs);
    try {
      await delay(waitMs, undefined, { signal: stopping });
    } catch {
      return;
    }
    if (Date.now() < dueMs) continue;
    void fire(schedule);
    dueMs = schedule.next(Date.now());
  }
}

function invoke({ lambda, input, arn }: Schedule): Promise<InvocationOutcome> {
  return lambda.invoke(input ?? scheduledEvent(arn));
}

/** What a target without an input receives. */
export function scheduledEvent(arn: string): string {
  return JSON.stringify({
    version: "0",
    id: crypto.randomUUID(),
    "detail-type": "Scheduled Event",
    source: "aws.scheduler",
    account: arn.split(":")[4],
    time: `${new Date().toISOString().slice(0, 19)}Z`,
    region: arn.split(":")[3],
    resources: [arn],
    detail: "{}",
  });
}

/** A scheduled invocation is asynchronous. */
async function retry(schedule: Schedule, first: InvocationOutcome, stopping: AbortSignal) {
  const again = () => invoke(schedule);
  const outcome = await retryAsync(first, again, schedule.retries, stopping);
  // Scheduler's own dead letters are runs that Lambda never took, not runs that failed.
  if (outcome && "throttled" in outcome) schedule.deadLetters?.send(schedule.input ?? "{}");
}
