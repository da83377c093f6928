import * as z from "zod";
import { articleIdSchema, callerText, creatorIdSchema } from "./ids.ts";
import { commentLengths, engagementKinds, moderationStates, reactionTypes } from "./kinds.ts";
import { limits } from "./limits.ts";

/**
 * One value per event: the producer, the EventBridge rule and the consumer all read it.
 * A change of shape is a new `schemaVersion` with an upcaster; consumers never guess.
 */
export interface EventContract<Detail extends z.ZodType> {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Detail;
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

const traceparentSchema = z.string().regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);

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

export const events = {
  engagementsAccepted,
  settlementDue,
  payoutsDue,
  payoutRequested,
  reviewRequested,
} as const;

/** The EventBridge pattern that matches exactly this event. */
export function patternOf(contract: EventContract<z.ZodType>) {
  return { source: [contract.source], detailType: [contract.detailType] };
}
