import * as z from "zod";
import { articleIdSchema, callerText, creatorIdSchema } from "./ids.ts";
import { engagementKinds } from "./kinds.ts";
import { limits } from "./limits.ts";

/**
 * One value per event: the producer, the EventBridge rule and the consumer all read it.
 * A change of shape is a new `schemaVersion` with an upcaster; consumers never guess.
 */
export interface EventContract<Detail extends z.ZodType> {
  readonly source: string;
  readonly detailType: string;
  readonly detail: Detail;
}

function defineEvent<Detail extends z.ZodType>(contract: EventContract<Detail>) {
  return contract;
}

const traceparentSchema = z.string().regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);

export const acceptedEngagementSchema = z.strictObject({
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
});
export type AcceptedEngagement = z.infer<typeof acceptedEngagementSchema>;

export const engagementsAccepted = defineEvent({
  source: "pennyline.engagements",
  detailType: "EngagementsAccepted",
  detail: z.strictObject({
    schemaVersion: z.literal(1),
    traceparent: traceparentSchema,
    acceptedAtMs: z.int().nonnegative(),
    engagements: z.array(acceptedEngagementSchema).min(1),
  }),
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

export const events = { engagementsAccepted, settlementDue } as const;

/** The EventBridge pattern that matches exactly this event. */
export function patternOf(contract: EventContract<z.ZodType>) {
  return { source: [contract.source], detailType: [contract.detailType] };
}
