import * as z from "zod";
import { articleIdSchema, callerText, creatorIdSchema } from "./ids.ts";
import { type JobType, jobStates, jobTypeNames, jobTypeSchema } from "./job-types.ts";
import {
  commentLengths,
  engagementKinds,
  moderationStates,
  type ProvidedChannel,
  reactionTypes,
} from "./kinds.ts";
import { limits } from "./limits.ts";
import { followerShards } from "./storage.ts";

/**
 * One value per event: the producer, the EventBridge rule and the consumer all read it.
 * A change of shape is a new `schemaVersion` with an upcaster; consumers never guess.
 */
export interface EventContract<Detail extends z.ZodType> {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Detail;
  /** Fields of the detail that must hold one of these values: a rule then matches just those. */
  readonly where?: Readonly<Record<string, readonly string[]>>;
  /** Older shapes that may still wait in a queue or be redriven, and what they say in today's. */
  readonly older?: readonly OlderVersion[];
}

export interface OlderVersion {
  readonly detail: z.ZodType;
  upcast(detail: unknown): unknown;
}

function defineEvent<Detail extends z.ZodType>(contract: EventContract<Detail>) {
  return contract;
}

export const traceparentSchema = z.string().regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);

const engagementV1 = {
  articleId: articleIdSchema,
  /** Not judged again: a rule that was tightened since must not make an accepted event unreadable. */
  readerId: callerText("readerId", limits.maxReaderIdBytes).brand("ReaderId"),
  kind: z.enum(engagementKinds),
  /** UTC milliseconds since the epoch. */
  occurredAtMs: z.int().nonnegative(),
  /** How the engagement reached us: with a view token, or from the publisher itself. */
  channel: z.enum(["token", "publisher"]),
  referrer: z.string().optional(),
  userAgent: z.string().optional(),
};

export const acceptedEngagementSchema = z.strictObject({
  ...engagementV1,
  /** The view token's `jti`. */
  tokenId: z.string().optional(),
  /** Of a reaction. */
  reaction: z.enum(reactionTypes).optional(),
  /** Of a comment. */
  comment: z
    .strictObject({ length: z.enum(commentLengths), moderation: z.enum(moderationStates) })
    .optional(),
});
export type AcceptedEngagement = z.infer<typeof acceptedEngagementSchema>;

const acceptance = { traceparent: traceparentSchema, acceptedAtMs: z.int().nonnegative() };

const engagementsAcceptedV1 = z.strictObject({
  schemaVersion: z.literal(1),
  ...acceptance,
  engagements: z.array(z.strictObject(engagementV1)).min(1),
});

export const engagementsAccepted = defineEvent({
  source: "pennyline.engagements",
  detailType: "EngagementsAccepted",
  detail: z.strictObject({
    schemaVersion: z.literal(2),
    ...acceptance,
    engagements: z.array(acceptedEngagementSchema).min(1),
  }),
  older: [
    {
      detail: engagementsAcceptedV1,
      // What version 2 adds is optional; one without a type or length counts as the plainest.
      upcast: (detail) => ({ ...(detail as object), schemaVersion: 2 }),
    },
  ],
});
export type EngagementsAccepted = z.infer<typeof engagementsAccepted.detail>;

export const settlementDue = defineEvent({
  source: "pennyline.earnings",
  detailType: "SettlementDue",
  detail: z.strictObject({
    schemaVersion: z.literal(1),
    traceparent: traceparentSchema,
    creatorIds: z.array(creatorIdSchema).min(1),
  }),
});
export type SettlementDue = z.infer<typeof settlementDue.detail>;

/** Creators whom a monthly run may pay. */
export const payoutsDue = defineEvent({
  source: "pennyline.payouts",
  detailType: "PayoutsDue",
  detail: z.strictObject({
    schemaVersion: z.literal(1),
    traceparent: traceparentSchema,
    /** `yyyy-mm`: one payout for each creator and run. */
    run: z.string().regex(/^\d{4}-\d{2}$/),
    creatorIds: z.array(creatorIdSchema).min(1),
  }),
});

/**
 * For the publisher's payment provider: reserved, to be paid, and answered with
 * `POST /v1/payouts/{payoutId}/result`. It may come more than once: pay each `payoutId` once.
 */
export const payoutRequested = defineEvent({
  source: "pennyline.payouts",
  detailType: "PayoutRequested",
  detail: z.strictObject({
    schemaVersion: z.literal(1),
    traceparent: traceparentSchema,
    payoutId: z.string().min(1),
    creatorId: creatorIdSchema,
    currency: z.string(),
    /** A string of digits. */
    amountMicros: z.string(),
    requestedAtMs: z.int().nonnegative(),
  }),
});

/**
 * A part of a review's work: one segment of the impression keys, or one reader's. Where it stands is
 * kept with the review.
 */
export const reviewRequested = defineEvent({
  source: "pennyline.reviews",
  detailType: "ReviewRequested",
  detail: z.strictObject({
    schemaVersion: z.literal(1),
    traceparent: traceparentSchema,
    reviewId: z.string().min(1),
    segment: z.int().nonnegative(),
    segments: z.int().positive(),
  }),
});

const jobIdSchema = z.string().min(1);

/** Work for the worker of one type. What is to be done stands in the job's record. */
function jobRequestedOf<Type extends JobType>(type: Type) {
  return defineEvent({
    source: "pennyline.jobs",
    detailType: "JobRequested",
    where: { type: [type] },
    detail: z.strictObject({
      schemaVersion: z.literal(1),
      traceparent: traceparentSchema,
      jobId: jobIdSchema,
      type: z.literal(type),
    }),
  });
}

/** By type, so that each has a rule and a queue of its own. */
export const jobRequested = Object.fromEntries(
  jobTypeNames.map((type) => [type, jobRequestedOf(type)]),
) as { readonly [Type in JobType]: ReturnType<typeof jobRequestedOf<Type>> };

const chunkOfFanout = {
  schemaVersion: z.literal(1),
  traceparent: traceparentSchema,
  jobId: jobIdSchema,
  creatorId: creatorIdSchema,
  shard: z.int().nonnegative().lt(followerShards),
  /** 0, 1, 2 … within the shard. */
  chunk: z.int().nonnegative(),
  /** It was tried as often as it may be: what is left of it failed. */
  giveUp: z.literal(true).optional(),
};

/** The next followers of one shard are to be told of an article. */
export const fanOutChunkDue = defineEvent({
  source: "pennyline.notifications",
  detailType: "FanOutChunkDue",
  detail: z.strictObject({
    ...chunkOfFanout,
    /** The last reader of the chunk before; none: this is the first. */
    after: z.string().min(1).optional(),
  }),
});
export type FanOutChunkDue = z.infer<typeof fanOutChunkDue.detail>;

/** A chunk's followers are to be told through one channel. Their addresses are read when it is done. */
function notificationsDueBy<Channel extends ProvidedChannel>(channel: Channel) {
  return defineEvent({
    source: "pennyline.notifications",
    detailType: "NotificationsDue",
    where: { channel: [channel] },
    detail: z.strictObject({
      ...chunkOfFanout,
      channel: z.literal(channel),
      /** What was begun up to then, ms since the epoch, and not heard of since was not sent. */
      unsentUntilMs: z.int().nonnegative().optional(),
    }),
  });
}

/** By channel, so that each provider has a queue of its own. */
export const notificationsDue = {
  email: notificationsDueBy("email"),
  webPush: notificationsDueBy("webPush"),
} as const;
export type NotificationsDue = z.infer<
  (typeof notificationsDue)[keyof typeof notificationsDue]["detail"]
>;

/** What SES said of an e-mail: its rule says it in these words, without the address. */
export const mailReported = defineEvent({
  source: "pennyline.mail",
  detailType: "MailReported",
  detail: z.strictObject({
    schemaVersion: z.literal(1),
    what: z.enum(["Send", "Bounce", "Complaint"]),
    /** The tag that it was sent with. */
    mailTag: z.string().min(1),
  }),
});

/**
 * A job's record changed: its state or its progress. It may come more than once and late; `version`
 * says which came last.
 */
export const jobChanged = defineEvent({
  source: "pennyline.jobs",
  detailType: "JobChanged",
  detail: z.strictObject({
    schemaVersion: z.literal(1),
    traceparent: traceparentSchema,
    jobId: jobIdSchema,
    type: jobTypeSchema,
    /** `creator:<id>` or `publisher`. */
    owner: z.string().min(1),
    state: z.enum(jobStates),
    version: z.int().positive(),
    /** UTC milliseconds since the epoch. */
    changedAtMs: z.int().nonnegative(),
  }),
});
export type JobChanged = z.infer<typeof jobChanged.detail>;

/**
 * What a creator has changed: a hint for those who watch a balance. It may be missing, come late or
 * more than once; the balance itself is read.
 */
export const balanceChanged = defineEvent({
  source: "pennyline.earnings",
  detailType: "BalanceChanged",
  detail: z.strictObject({
    schemaVersion: z.literal(1),
    traceparent: traceparentSchema,
    creatorIds: z.array(creatorIdSchema).min(1),
  }),
});

const ofEndpoint = {
  schemaVersion: z.literal(1),
  traceparent: traceparentSchema,
  /** `publisher` or `creator:<id>`. */
  owner: z.string().min(1),
  endpointId: z.string().min(1),
};

/** A delivery is to be attempted now. What it says, and where to, stands in its record. */
export const webhookDue = defineEvent({
  source: "pennyline.webhooks",
  detailType: "WebhookDue",
  detail: z.strictObject({
    schemaVersion: z.literal(1),
    traceparent: traceparentSchema,
    owner: z.string().min(1),
    deliveryId: z.string().min(1),
    /** The time of its record that this is about; another one has been seen to since. */
    dueAtMs: z.int().nonnegative(),
  }),
});
export type WebhookDue = z.infer<typeof webhookDue.detail>;

/** Its owner wants to see whether an endpoint can be reached. */
export const webhookPingRequested = defineEvent({
  source: "pennyline.webhooks",
  detailType: "WebhookPingRequested",
  detail: z.strictObject({
    ...ofEndpoint,
    pingId: z.string().min(1),
    requestedAtMs: z.int().nonnegative(),
  }),
});

/** An endpoint is not called any more, and its owner should know. It may come more than once. */
export const webhookEndpointDisabled = defineEvent({
  source: "pennyline.webhooks",
  detailType: "WebhookEndpointDisabled",
  detail: z.strictObject({
    ...ofEndpoint,
    reason: z.enum(["gone", "failing"]),
    disabledAtMs: z.int().nonnegative(),
  }),
});

/** What failed since then is to be sent again, a part at a time. */
export const webhookResendRequested = defineEvent({
  source: "pennyline.webhooks",
  detailType: "WebhookResendRequested",
  detail: z.strictObject({
    ...ofEndpoint,
    sinceMs: z.int().nonnegative(),
    /** What fails after it was asked for is left alone. */
    requestedAtMs: z.int().nonnegative(),
    /** Where to go on. */
    cursor: z.string().optional(),
  }),
});
export type WebhookResendRequested = z.infer<typeof webhookResendRequested.detail>;

/** Dead letters are to be sent back to their queues, a part at a time. */
export const redriveRequested = defineEvent({
  source: "pennyline.operations",
  detailType: "RedriveRequested",
  detail: z.strictObject({
    schemaVersion: z.literal(1),
    traceparent: traceparentSchema,
    redriveId: z.string().min(1),
    /** Which letter of the redrive is next. */
    from: z.int().nonnegative(),
  }),
});

export const events = {
  engagementsAccepted,
  settlementDue,
  payoutsDue,
  payoutRequested,
  reviewRequested,
  fanOutChunkDue,
  mailReported,
  jobChanged,
  balanceChanged,
  webhookDue,
  webhookPingRequested,
  webhookEndpointDisabled,
  webhookResendRequested,
  redriveRequested,
} as const;

/** The EventBridge pattern that matches exactly this event, or each of these. */
export function patternOf(...contracts: readonly EventContract<z.ZodType>[]) {
  const where = contracts.find((contract) => contract.where)?.where;
  if (where && contracts.length > 1) throw new Error("a condition would hold for all of them");
  return {
    source: [...new Set(contracts.map(({ source }) => source))],
    // No two sources have an event of the same name.
    detailType: contracts.map(({ detailType }) => detailType),
    ...(where && {
      detail: Object.fromEntries(Object.entries(where).map(([key, values]) => [key, [...values]])),
    }),
  };
}
