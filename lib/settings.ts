import { z } from "zod";
import { limits } from "../core/contracts/limits.ts";
import { payeeSchema } from "../core/contracts/registry-bodies.ts";
import { backpressure } from "./backpressure-settings.ts";
import { ConfigurationError } from "./configuration-error.ts";
import { describeIssues } from "./settings-errors.ts";

/** The retentions that CloudWatch Logs knows and that make sense here, in days. */
const logRetentionDays = z.literal([1, 3, 7, 14, 30, 60, 90, 180, 365]);

const throttle = z.strictObject({
  ratePerSecond: z.number().positive(),
  burst: z.int().positive(),
});

/** A browser's origin, exactly as it stands in its `Origin` header: no path, no wildcard. */
const origin = z
  .url({ protocol: /^https?$/, error: "must be a URL" })
  .refine((url) => URL.parse(url)?.origin === url, "must be an exact origin (https://host[:port])");

const microsText = z.string().regex(/^\d+$/, "must be a string of digits: micros are never floats");

const settlement = z.strictObject({
  /** Creators who have earned less than this wait; 0 settles every creator who earned. */
  minMicros: microsText.default("0"),
  /** Whoever waited this long is settled however little it is. */
  maxWaitMs: z.int().positive().default(86_400_000),
});

const payouts = z.strictObject({
  /** What a creator has less of stays payable: 10 units, below which a transfer's fee is felt. */
  minMicros: microsText
    .refine(
      (text) => BigInt(text) <= limits.maxAmountMicros,
      `must be at most ${limits.maxAmountMicros}, or nobody is ever paid`,
    )
    .default("10000000"),
  /** The day (UTC) on which everyone is paid what is payable; every month has 28 of them. */
  dayOfMonth: z.int().min(1).max(28).default(1),
  /** The publisher's own account, named by a pain.001 file. None: payouts are exported as CSV only. */
  debtor: payeeSchema.optional(),
});

/** What each caller may send, over all routes together; `burst` at once after a rest. */
const rateLimits = z.strictObject({
  /** A publisher's servers send everything with one token: as much as a route takes from all. */
  publisher: throttle.default({ ratePerSecond: 500, burst: 1_000 }),
  /** A page that shows everything asks for a dozen things, and nobody opens one each second. */
  creator: throttle.default({ ratePerSecond: 10, burst: 100 }),
  /** A person, or a program that looks after dead letters one by one. */
  admin: throttle.default({ ratePerSecond: 20, burst: 100 }),
  /**
   * Of browsers, by address. Behind a carrier's there may be a thousand readers, who each turn a
   * page a minute and report three things about it.
   */
  ip: throttle.default({ ratePerSecond: 50, burst: 300 }),
});

/** Beyond these an engagement is held, not refused: a person may look at it before it is paid. */
const invalidTraffic = z.strictObject({
  /** Two paid engagements a minute, for an hour on end, is more than anyone reads. */
  maxPerReaderHour: z.int().positive().default(120),
  /** A day of that is hours of nothing else. */
  maxPerReaderDay: z.int().positive().default(500),
  /** A page asks for its few kinds, a lost answer asks again; twenty times is not a page. */
  tokenBurst: z.int().positive().default(20),
  /** Time to look at what is held, before it becomes payable by itself. */
  holdDays: z.int().min(limits.minHoldDays).max(90).default(14),
});

const pools = z.strictObject({
  /** After its end a day stays open this long for what is late; then its pool is shared out. */
  closeHours: z.int().min(1).max(48).default(6),
});

/** What statements say of who they are from. */
const statements = z.strictObject({
  /** The publisher's name as its writers know it; default: `publisherId`. */
  name: z.string().min(1).max(200).optional(),
  /** Lines of its address. */
  address: z.array(z.string().min(1).max(100)).max(5).default([]),
  /** Where to write with questions, or a page. */
  questionsTo: z.string().min(1).max(200).optional(),
});

const jobs = z
  .strictObject({
    /** A job is forgotten this long after it was accepted, finished or not: not while it may still wait. */
    retentionDays: z
      .int()
      .min(limits.maxIntegrationWaitMs / 86_400_000 + 1)
      .max(365)
      .default(30),
    /**
     * Long polls that may wait at once, of all owners: each holds one of the account's executions, so
     * keep it well below those. A new account may have ten.
     */
    maxLongPolls: z.int().positive().max(1_000).default(5),
    /** Of one owner, a creator or the publisher with all of its programs. */
    maxLongPollsPerOwner: z.int().positive().max(100).default(3),
  })
  .refine(({ maxLongPolls, maxLongPollsPerOwner }) => maxLongPollsPerOwner < maxLongPolls, {
    path: ["maxLongPollsPerOwner"],
    error: "must be less than maxLongPolls: one owner must leave places for others",
  });

/** An address, or `A Name <an@address>`. */
const mailbox = z
  .string()
  .regex(
    /^(?:[^<>@"\r\n]+ <[^<>\s@]+@[^<>\s@]+>|[^<>\s@]+@[^<>\s@]+)$/,
    "must be an e-mail address",
  );

const mail = z.strictObject({
  /** Who followers hear from. Its domain becomes an identity of SES. */
  from: mailbox,
  /** What SES allows the account. */
  perSecond: z.number().positive(),
  /** The domain is an identity of this account already: the stack adds none. */
  identityExists: z.boolean().default(false),
});

const webPush = z.strictObject({
  /** Whom browsers' push services ask when something is wrong; default: the issuer. */
  contact: z.url({ protocol: /^(?:mailto|https)$/, error: "must be mailto: or https:" }).optional(),
  perSecond: z.int().positive().default(200),
});

/** What we call: callbacks, webhooks, integrations. */
const outbound = z.strictObject({
  /** Lets `http://127.0.0.1` and the like be called: for the stage of one machine, and no other. */
  allowLoopback: z.boolean().default(false),
});

const canary = z.strictObject({
  /** Counted within seconds and settled with the next minute: four minutes are late for a reader. */
  withinSeconds: z.int().min(1).max(280).default(240),
});

/** What is kept of the life of a request, beside jobs, webhooks and failures, which are kept always. */
const tracing = z.strictObject({
  /** Of engagements, reads and settlements, in percent; each step kept is a write unit. */
  samplePercent: z.number().min(0).max(100).default(1),
  /** As long as a dead letter stays in its queue. */
  retentionDays: z.int().min(1).max(90).default(14),
  /** Of what comes over the bus, in percent, for X-Ray. At the edge Lambda's own rate holds. */
  xRayPercent: z.number().min(0).max(100).default(5),
});

/** When an alarm goes off. Each default carries its reason. */
const alarmThresholds = z.strictObject({
  /** One batch is 1,000 messages and ten workers run at once: more is not drained in one round. */
  backlogMessages: z.int().positive().default(10_000),
  /** A message that failed comes back after 6 minutes: three of those are no single bad luck. */
  oldestMessageSeconds: z.int().positive().default(1_200),
  /** One error may be a cold start out of luck, and is retried; five in 5 minutes are a fault. */
  functionErrors: z.int().positive().default(5),
  /** In 5 minutes, of at most five runs, none of which is retried: two in a row are a fault. */
  scheduledErrors: z.int().positive().default(2),
  /** Of what runs every minute: five missed runs are no hiccup of the scheduler. */
  missedRunMinutes: z.int().positive().default(5),
  /** In 5 minutes: pollers try again by themselves; so many and the account has no room left. */
  workerThrottles: z.int().positive().default(25),
  /** Whoever earned is settled every minute: ten rounds that left something out are no accident. */
  settlementLagSeconds: z.int().positive().default(600),
  /** In 5 minutes: a throttled table may cost one answer for a moment, ten are a fault. */
  apiServerErrors: z.int().positive().default(10),
  /** Publishers wait for the answer: a quarter of the 20 s after which a function is stopped. */
  apiLatencyP99Ms: z.int().positive().default(5_000),
  /** What is refused for so long is no rush that passes: somebody waits, and tries again and again. */
  shedMinutes: z.int().positive().default(30),
});

/** CodeDeploy's ways to move requests to new code; alarms take it back, except all at once. */
const release = z.enum([
  "AllAtOnce",
  "Canary10Percent5Minutes",
  "Canary10Percent15Minutes",
  "Linear10PercentEvery1Minute",
]);

export const stageSettingsSchema = z.strictObject({
  publisherId: z.string().min(1),
  /** The only currency there is, until another one is asked for. */
  currency: z.literal("USD").default("USD"),
  /** Who signs callers' JWTs: API Gateway reads `<issuer>/.well-known/openid-configuration`. */
  issuer: z.url({ protocol: /^https$/, error: "must be an https URL" }),
  audience: z.string().min(1),
  /** Pages that may call the API from a browser. None: no cross-origin calls. */
  allowedOrigins: z.array(origin).default([]),
  /** Requests per second for each route of a class: anyone's, a scope's, the admin's. */
  throttling: z.strictObject({ public: throttle, scoped: throttle, admin: throttle }).default({
    public: { ratePerSecond: 1_000, burst: 500 },
    scoped: { ratePerSecond: 500, burst: 250 },
    // The proof reads whole tables.
    admin: { ratePerSecond: 1, burst: 5 },
  }),
  rateLimits: rateLimits.prefault({}),
  logRetentionDays: logRetentionDays.default(30),
  /** Tables, secret and logs outlive their stack, and cannot be deleted by mistake. */
  retainData: z.boolean().default(false),
  queueRetentionDays: z.int().min(1).max(14).default(limits.queueRetentionDays),
  dlqRetentionDays: z.int().min(1).max(14).default(limits.dlqRetentionDays),
  /** May be shorter than the limit where retentions are, never longer. */
  dedupeTtlDays: z.int().min(1).max(limits.dedupeTtlDays).default(limits.dedupeTtlDays),
  settlement: settlement.prefault({}),
  payouts: payouts.prefault({}),
  invalidTraffic: invalidTraffic.prefault({}),
  pools: pools.prefault({}),
  statements: statements.prefault({}),
  jobs: jobs.prefault({}),
  backpressure: backpressure.prefault({}),
  /** None: followers get no e-mail. */
  mail: mail.optional(),
  webPush: webPush.prefault({}),
  outbound: outbound.prefault({}),
  /** Five minutes are one period of the alarms that watch it. */
  release: release.default("Canary10Percent5Minutes"),
  tracing: tracing.prefault({}),
  alarms: alarmThresholds.prefault({}),
  canary: canary.prefault({}),
  /** Receives alarms. None: whoever subscribes to the topic. */
  alarmEmail: z.email().optional(),
});

export type StageSettings = z.infer<typeof stageSettingsSchema>;
export interface Settings extends StageSettings {
  readonly stage: string;
}

/** Settings that `-c name=value` may replace for one deployment, without an edit to a file. */
const replaceable = ["issuer", "audience", "publisherId", "alarmEmail", "release"] as const;
const contextSchema = z.strictObject({
  stage: z.string(),
  stages: z.record(z.string(), z.unknown()),
  ...Object.fromEntries(replaceable.map((name) => [name, z.string().optional()])),
});

/**
 * The settings of the stage that `context` names (`-c stage=prod`), checked.
 * A key that is not known is an error which names it, wherever it stands: a setting with a typing
 * mistake must not silently become its default.
 */
export function readSettings(context: Readonly<Record<string, unknown>>): Settings {
  // The CDK's own keys all hold a colon or a slash; ours never do.
  const own = Object.entries(context).filter(([key]) => !/[:/]/.test(key));
  const { stage, stages, ...replaced } = parse(contextSchema, Object.fromEntries(own), "context");
  const chosen = stages[stage];
  if (chosen === undefined) {
    const known = Object.keys(stages).join(", ");
    throw new ConfigurationError(`cdk.json has no stage "${stage}" (it has: ${known})`);
  }
  const raw = typeof chosen === "object" ? { ...chosen, ...replaced } : chosen;
  return { stage, ...parse(stageSettingsSchema, raw, `stages.${stage}`) };
}

function parse<Schema extends z.ZodObject>(schema: Schema, value: unknown, at: string) {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw new ConfigurationError(
      `Settings in cdk.json:\n${describeIssues(schema, result.error, at).join("\n")}`,
    );
  }
  return result.data;
}
