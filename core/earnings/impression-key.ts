import type { AcceptedEngagement } from "../contracts/events.ts";
import type { ReaderId } from "../contracts/ids.ts";
import { type UtcDay, utcDayOf } from "../values/time.ts";

/** Lower-case hex SHA-256 of a string's UTF-8 bytes. Passed in: `core` has no crypto of its own. */
export type Sha256Hex = (text: string) => string;

/** One reader on one UTC day, without saying who: `<hash of publisher and reader>#<day>`. */
export type ReaderDay = string & { readonly __unit: "reader-day" };

/** `<reader-day>/<hash of article and kind>`. */
export type ImpressionKey = string & { readonly __unit: "impression-key" };

/** Half a SHA-256: 128 bits tell all readers there will ever be apart. */
const hashLength = 32;

export function readerDayOf(
  sha256: Sha256Hex,
  publisherId: string,
  readerId: ReaderId,
  day: UtcDay,
): ReaderDay {
  return `${sha256(JSON.stringify([publisherId, readerId])).slice(0, hashLength)}#${day}` as ReaderDay;
}

/**
 * The idempotency key of an engagement: one paid engagement per (publisher, article, reader, kind,
 * UTC day). JSON quotes each part, so that no two different engagements share a spelling. It is in
 * two parts, so that all keys of one reader and day lie together.
 */
export function impressionKeyOf(
  sha256: Sha256Hex,
  publisherId: string,
  { articleId, readerId, kind, occurredAtMs }: AcceptedEngagement,
): ImpressionKey {
  const readerDay = readerDayOf(sha256, publisherId, readerId, utcDayOf(occurredAtMs));
  const what = sha256(JSON.stringify([articleId, kind])).slice(0, hashLength);
  return `${readerDay}/${what}` as ImpressionKey;
}

export function readerDayIn(key: ImpressionKey): ReaderDay {
  return key.slice(0, key.lastIndexOf("/")) as ReaderDay;
}

export function dayIn(readerDay: ReaderDay): UtcDay {
  return readerDay.slice(hashLength + 1) as UtcDay;
}

/** Of whom the publisher alone knows who it is. */
export function readerHashIn(readerDay: ReaderDay): string {
  return readerDay.slice(0, hashLength);
}

/** The same reader on another day. */
export function readerDayOn(readerDay: ReaderDay, day: UtcDay): ReaderDay {
  return `${readerDay.slice(0, hashLength)}#${day}` as ReaderDay;
}
