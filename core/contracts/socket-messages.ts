import * as z from "zod";
import { creatorIdSchema, subjectSchema } from "./ids.ts";

/** What clients say over a WebSocket. The message's `action` is also the route it takes. */

const job = { topic: z.literal("job"), id: z.string().min(1).max(128) };
const balance = { topic: z.literal("balance"), id: creatorIdSchema };
const topicError = "must be job or balance";

export const subscribeSchema = z.discriminatedUnion(
  "topic",
  [
    z.strictObject({
      action: z.literal("subscribe"),
      ...job,
      /** The version seen last: what came since is told first. */
      after: z.int().nonnegative().optional(),
    }),
    z.strictObject({ action: z.literal("subscribe"), ...balance }),
  ],
  { error: topicError },
);

export const unsubscribeSchema = z.discriminatedUnion(
  "topic",
  [
    z.strictObject({ action: z.literal("unsubscribe"), ...job }),
    z.strictObject({ action: z.literal("unsubscribe"), ...balance }),
  ],
  { error: topicError },
);

export const socketActions = ["subscribe", "unsubscribe"] as const;

/** What a connection can follow. */
export type Topic = Pick<z.infer<typeof subscribeSchema>, "topic" | "id">;

/** Claims of a ticket to connect (JWS HS256), in seconds since the epoch where times. */
export const ticketClaimsSchema = z.object({
  sub: subjectSchema,
  roles: z.array(z.enum(["creator", "publisher", "admin"])).min(1),
  jti: z.string().min(1).max(128),
  exp: z.int(),
});
export type TicketClaims = z.infer<typeof ticketClaimsSchema>;
