import * as z from "zod";
import { articleIdSchema, callerText, creatorIdSchema, readerIdSchema } from "./ids.ts";
import { engagementKinds } from "./kinds.ts";
import { limits } from "./limits.ts";

/** Request bodies, one schema each: validation and types come from here. */

const instant = z.iso
  .datetime({
    offset: true,
    error: "must be an ISO 8601 time with a zone, like 2026-01-31T09:30:00Z",
  })
  .transform((text) => Date.parse(text))
  .refine(Number.isFinite, "must be a time that exists");

const kind = z.enum(engagementKinds);

/** One engagement as a browser reports it; the view token says which reader and article. */
export const tokenEngagementSchema = z.strictObject({
  token: z.string().min(1).max(4_096),
  kind,
  occurredAt: instant.optional(),
});

/** One engagement as the publisher itself reports it. */
export const publisherEngagementSchema = z.strictObject({
  articleId: articleIdSchema,
  readerId: readerIdSchema,
  kind,
  occurredAt: instant.optional(),
  referrer: callerText("referrer", limits.maxReferrerBytes).optional(),
  userAgent: callerText("userAgent", limits.maxUserAgentBytes).optional(),
});

/** The envelope only: items are judged one by one, so that a bad one does not cost the good ones. */
export const engagementBatchSchema = z.strictObject({
  engagements: z.array(z.unknown()).min(1).max(limits.maxBatchEngagements),
});

export const putArticleSchema = z.strictObject({
  title: callerText("title", limits.maxTitleBytes),
  creatorId: creatorIdSchema,
  publishedAt: instant.optional(),
});

const price = z
  .int("must be a whole number of micros")
  .min(0, "must not be negative")
  .max(limits.maxPriceMicros, `must be at most ${limits.maxPriceMicros} micros`);

export const putRateCardSchema = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/, "must be an ISO 4217 code, like USD"),
  micros: z.strictObject({
    view: price,
    read: price,
    reaction: price,
    comment: price,
    search_visit: price,
  }),
});

export const issueViewTokenSchema = z.strictObject({
  articleId: articleIdSchema,
  readerId: readerIdSchema,
});

/** Claims of a view token (JWS HS256 with `kid`), in seconds since the epoch where times. */
export const viewTokenClaimsSchema = z.object({
  sub: readerIdSchema,
  art: articleIdSchema,
  iat: z.int(),
  exp: z.int(),
  jti: z.string().min(1).max(128),
});
export type ViewTokenClaims = z.infer<typeof viewTokenClaimsSchema>;

const pageLimit = (most: number, usual: number) =>
  z.coerce.number().pipe(z.int().min(1).max(most)).default(usual);

/** Query strings of paged reads. A cursor is opaque: send back what `nextCursor` said. */
export const earningsQuerySchema = z.strictObject({
  limit: pageLimit(200, 50),
  cursor: articleIdSchema.optional(),
});
export const ledgerQuerySchema = z.strictObject({
  limit: pageLimit(100, 20),
  cursor: z.string().min(1).max(64).optional(),
});
