import type { AcceptedEngagement } from "../contracts/events.ts";
import { utcDayOf } from "../values/time.ts";

/** Lower-case hex SHA-256 of a string's UTF-8 bytes. Passed in: `core` has no crypto of its own. */
export type Sha256Hex = (text: string) => string;

export type ImpressionKey = string & { readonly __unit: "impression-key" };

/**
 * The idempotency key of an engagement: one paid engagement per (publisher, article, reader, kind,
 * UTC day). JSON quotes each part, so that no two different engagements share a spelling.
 */
export function impressionKeyOf(
  sha256: Sha256Hex,
  publisherId: string,
  { articleId, readerId, kind, occurredAtMs }: AcceptedEngagement,
): ImpressionKey {
  const parts = [publisherId, articleId, readerId, kind, utcDayOf(occurredAtMs)];
  return sha256(JSON.stringify(parts)) as ImpressionKey;
}
