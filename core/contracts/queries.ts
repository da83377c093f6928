import * as z from "zod";
import { day } from "./fields.ts";
import { articleIdSchema, creatorIdSchema } from "./ids.ts";

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
export const rateCardsQuerySchema = z.strictObject({
  articleId: articleIdSchema.optional(),
  creatorId: creatorIdSchema.optional(),
});
export const payoutFileQuerySchema = z.strictObject({
  format: z.enum(["csv", "pain.001"], { error: "must be csv or pain.001" }).default("csv"),
});
export const monthSchema = z
  .string()
  .regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, "must be a month, like 2026-01")
  .brand("UtcMonth");
