import * as z from "zod";
import { day, range } from "./fields.ts";
import { articleIdSchema, creatorIdSchema, entryIdSchema, readerIdSchema } from "./ids.ts";
import { holdReasons } from "./kinds.ts";
import { limits } from "./limits.ts";
import { shownText } from "./shown-text.ts";

/** What people ask of money: payouts, corrections, appeals and reviews. */

/** Money as it comes in: a string of digits, since JSON numbers end at 2^53. */
const amountMicros = z
  .string({ error: 'must be a string of digits, like "1500000" (micros)' })
  .regex(/^-?(?:0|[1-9]\d{0,17})$/, 'must be a whole number of micros as a string, like "1500000"')
  .transform(BigInt)
  .refine(
    (amount) => amount <= limits.maxAmountMicros && amount >= -limits.maxAmountMicros,
    `must be at most ${limits.maxAmountMicros} micros, up or down`,
  );
const positiveMicros = amountMicros.refine((amount) => amount > 0n, "must be above zero");
/** It is read by whoever asks later why: a blank one would not tell. */
const note = shownText("note", limits.maxNoteBytes).refine(
  (text) => text.trim() !== "",
  "must not be blank: say why",
);

export const requestPayoutSchema = z.strictObject({
  /** Default: all that is payable. */
  amountMicros: positiveMicros.optional(),
});

export const payoutResultSchema = z.discriminatedUnion(
  "status",
  [
    z.strictObject({
      status: z.literal("paid"),
      providerReference: shownText("providerReference", 200).optional(),
    }),
    z.strictObject({
      status: z.literal("failed"),
      reason: note,
      providerReference: shownText("providerReference", 200).optional(),
    }),
  ],
  { error: ({ code }) => (code === "invalid_union" ? "must be paid or failed" : undefined) },
);

export const postAdjustmentSchema = z.strictObject({
  creatorId: creatorIdSchema,
  amountMicros: amountMicros.refine((amount) => amount !== 0n, "must not be zero"),
  note,
  /** The entry that this puts right. */
  corrects: entryIdSchema.optional(),
  /** Default: today. */
  effectiveDay: day.optional(),
});

export const reverseEntrySchema = z.strictObject({ entryId: entryIdSchema, note });

export const postAppealSchema = z.strictObject({
  note,
  articleId: articleIdSchema.optional(),
  entryId: entryIdSchema.optional(),
});

/** Which engagements a review decides on; all that is said must hold. */
export const requestReviewSchema = z
  .strictObject({
    decision: z.enum(["void", "release"]),
    note,
    readerId: readerIdSchema.optional(),
    articleId: articleIdSchema.optional(),
    /** Days on which the engagements occurred. */
    ...range,
    /** Only those held for this; `manual`: those that a review voided, which is taken back. */
    reason: z.enum([...holdReasons, "manual"]).optional(),
    /** All engagements of the days: said in so many words, so that nothing forgotten means it. */
    everything: z.literal(true).optional(),
    /** The appeal that this answers. */
    appeal: z
      .strictObject({ creatorId: creatorIdSchema, appealId: z.string().min(1).max(64) })
      .optional(),
  })
  .refine(({ decision, reason }) => decision === "release" || reason !== "manual", {
    path: ["reason"],
    error: `"manual" is what a review voided, and cannot be voided again; say "release", or one of ${holdReasons.join(", ")}`,
  })
  .refine(({ everything, ...body }) => everything === undefined || !isNarrowed(body), {
    path: ["everything"],
    error: "leave it out, or else readerId, articleId and reason: they say which engagements",
  })
  .refine((body) => body.everything !== undefined || isNarrowed(body), {
    error:
      "name a readerId, an articleId or a reason, or say everything: true for all engagements of those days",
  });

function isNarrowed(body: { readerId?: unknown; articleId?: unknown; reason?: unknown }): boolean {
  return [body.readerId, body.articleId, body.reason].some((said) => said !== undefined);
}
