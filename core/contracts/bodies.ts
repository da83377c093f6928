import * as z from "zod";
import { instant } from "./fields.ts";
import { articleIdSchema, callerText, readerIdSchema } from "./ids.ts";
import { engagementKinds, moderationStates, reactionTypes } from "./kinds.ts";
import { limits } from "./limits.ts";

/** What browsers and the publisher report; one schema each gives validation and types. */

const kind = z.enum(engagementKinds, {
  error: `must be one of ${engagementKinds.join(", ")}`,
});

/** What an engagement is, beside who did it to what. */
const particulars = {
  kind,
  occurredAt: instant.optional(),
  referrer: callerText("referrer", limits.maxReferrerBytes).optional(),
  /** Of a `read` only: what makes it one. Left out, the caller vouches for it. */
  attentionMs: z.int().nonnegative().optional(),
  reachedEnd: z.boolean().optional(),
  /** Of a `reaction` only. */
  reaction: z
    .enum(reactionTypes, { error: `must be one of ${reactionTypes.join(", ")}` })
    .optional(),
};

/** One engagement as a browser reports it; the view token says which reader and article. */
export const tokenEngagementSchema = z.strictObject({
  token: z.string().min(1).max(4_096),
  ...particulars,
});

/** One engagement as the publisher itself reports it. */
export const publisherEngagementSchema = z.strictObject({
  articleId: articleIdSchema,
  readerId: readerIdSchema,
  ...particulars,
  userAgent: callerText("userAgent", limits.maxUserAgentBytes).optional(),
  /** Of a `comment` only. A browser's word would not do: what it reports waits as `pending`. */
  comment: z
    .strictObject({
      characters: z.int().min(1, "must be at least 1").max(limits.maxBodyBytes),
      moderation: z.enum(moderationStates, {
        error: `must be one of ${moderationStates.join(", ")}`,
      }),
    })
    .optional(),
});

/** The envelope only: items are judged one by one, so that a bad one does not cost the good ones. */
export const engagementBatchSchema = z.strictObject({
  engagements: z.array(z.unknown()).min(1).max(limits.maxBatchEngagements),
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
