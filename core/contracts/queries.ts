import * as z from "zod";
import { day, instant, monthSchema } from "./fields.ts";
import { articleGroupIdSchema, articleIdSchema, callerText, creatorIdSchema } from "./ids.ts";
import { jobStates, jobTypeSchema } from "./job-types.ts";
import { limits } from "./limits.ts";

const pageLimit = (most: number, usual: number) =>
  z.coerce.number().pipe(z.int().min(1).max(most)).default(usual);

/** Query strings of paged reads. A cursor is opaque: send back what `nextCursor` said. */
export const earningsQuerySchema = z.strictObject({
  from: day.optional(),
  to: day.optional(),
  groupBy: z
    .enum(["article", "day", "kind"], { error: "must be article, day or kind" })
    .default("article"),
  limit: pageLimit(200, 50),
  cursor: articleIdSchema.optional(),
});
export const pageQuerySchema = z.strictObject({
  limit: pageLimit(100, 20),
  cursor: z.string().min(1).max(1_024).optional(),
});

/** Of lists of everybody's: the ids in their cursors may be long. */
const listPage = {
  limit: pageLimit(100, 20),
  cursor: z.string().min(1).max(2_048).optional(),
};
const updatedAfter = instant.optional();
export const articlesQuerySchema = z.strictObject({
  creatorId: creatorIdSchema.optional(),
  group: articleGroupIdSchema.optional(),
  titlePrefix: callerText("titlePrefix", limits.maxTitleBytes).optional(),
  updatedAfter,
  ...listPage,
});
export const creatorsQuerySchema = z.strictObject({
  namePrefix: callerText("namePrefix", limits.maxTitleBytes).optional(),
  hasPayee: z
    .enum(["true", "false"], { error: "must be true or false" })
    .transform((text) => text === "true")
    .optional(),
  updatedAfter,
  ...listPage,
});
/** `reserved` until the publisher's payment provider has said what became of it; then for ever. */
export const payoutStates = ["reserved", "paid", "failed"] as const;
export type PayoutState = (typeof payoutStates)[number];
export const payoutsQuerySchema = z.strictObject({
  state: z.enum(payoutStates, { error: `must be one of ${payoutStates.join(", ")}` }).optional(),
  creatorId: creatorIdSchema.optional(),
  from: day.optional(),
  to: day.optional(),
  ...listPage,
});
export const earningsSummaryQuerySchema = z.strictObject({
  month: monthSchema.optional(),
  limit: pageLimit(limits.maxTopEarners, 10),
});
export const rateCardsQuerySchema = z.strictObject({
  articleId: articleIdSchema.optional(),
  creatorId: creatorIdSchema.optional(),
});
export const payoutFileQuerySchema = z.strictObject({
  format: z.enum(["csv", "pain.001"], { error: "must be csv or pain.001" }).default("csv"),
});

export const jobsQuerySchema = z.strictObject({
  state: z.enum(jobStates, { error: `must be one of ${jobStates.join(", ")}` }).optional(),
  type: jobTypeSchema.optional(),
  ...pageQuerySchema.shape,
});
const waitWords = `must be a whole number of seconds, 1 to ${limits.maxJobWaitMs / 1_000}`;
export const jobQuerySchema = z.strictObject({
  /** Seconds to wait for a change. */
  wait: z.coerce
    .number(waitWords)
    .int(waitWords)
    .min(1, waitWords)
    .max(limits.maxJobWaitMs / 1_000, waitWords)
    .optional(),
  /** The version that the client has seen. */
  after: z.coerce.number().pipe(z.int().nonnegative()).optional(),
});
const alarmStates = ["alarm", "ok", "insufficient-data"] as const;
export type AlarmState = (typeof alarmStates)[number];
export const alarmsQuerySchema = z.strictObject({
  state: z
    .enum([...alarmStates, "any"], { error: `must be ${alarmStates.join(", ")} or any` })
    .default("alarm"),
});
/** A number in a path. */
export const revisionSchema = z.coerce.number().pipe(z.int().min(1).max(9_999_999_999));
