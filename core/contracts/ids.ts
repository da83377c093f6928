import * as z from "zod";
import { limits } from "./limits.ts";

const utf8 = new TextEncoder();
// Control characters are kept out so that stores may use them as separators and logs stay one line;
// U+FFFE and U+FFFF because SQS refuses a message that holds one, and the event would be lost.
export const unfitCharacter = /[\p{Cc}\ufffe\uffff]/u;

/** Text that every store and queue on the way takes as it is, at most `maxBytes` as UTF-8. */
export function callerText(name: string, maxBytes: number) {
  return z
    .string()
    .min(1, `${name} must not be empty`)
    .refine((text) => text.isWellFormed(), `${name} must be well-formed Unicode`)
    .refine((text) => !unfitCharacter.test(text), `${name} must not contain control characters`)
    .refine(
      (text) => utf8.encode(text).length <= maxBytes,
      `${name} must be at most ${maxBytes} bytes`,
    );
}

// API Gateway decodes a path before it routes, and cuts it at a decoded `?` or `#`.
const noQuery = /^[^?#]*$/;

export const articleIdSchema = callerText("articleId", limits.maxArticleIdBytes)
  .regex(noQuery, "articleId must not contain ? or #; leave the query and fragment out")
  .brand("ArticleId");

export const creatorIdSchema = callerText("creatorId", limits.maxCreatorIdBytes)
  .regex(/^[^?#/]*$/, "creatorId must not contain ?, # or /")
  .brand("CreatorId");

/** Who calls, by the JWT's `sub`: it goes into keys, books and logs. A creator's is its creator id. */
export const subjectSchema = callerText("sub", limits.maxCreatorIdBytes).refine(
  (sub) => sub.trim() !== "",
  "sub must not be blank",
);

const emailLike = /[^\s@]@[^\s@]/;
const ipv4Like = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** Errs on the side of privacy: whatever could be an address is taken for one. */
function looksPersonal(id: string): boolean {
  const bare = id
    .trim()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/%.*$/, "");
  return emailLike.test(id) || ipv4Like.test(bare) || z.ipv6().safeParse(bare).success;
}

/** A reader is a pseudonym: an e-mail or an IP address is refused before it can be stored. */
export const readerIdSchema = callerText("readerId", limits.maxReaderIdBytes)
  .refine(
    (id) => !looksPersonal(id),
    "readerId must be a pseudonym, not an e-mail or IP address; send a keyed hash of it",
  )
  .brand("ReaderId");

/** A caller's own name for a group of articles that are paid for in one way. */
export const articleGroupIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "group must be 1 to 64 of a-z, 0-9, _ and -")
  .brand("ArticleGroupId");
/** The group of every article that names none; it is paid by rates until it is put otherwise. */
export const defaultArticleGroup = articleGroupIdSchema.parse("default");

/** Nobody's: what is read of it is counted and settled like anything else, and is worth nothing. */
export const canaryArticleId = articleIdSchema.parse("pennyline-canary");
export const canaryCreatorId = creatorIdSchema.parse("pennyline-canary");
/** Of its own, never put: an article of a pool would take weight from others. */
export const canaryGroup = articleGroupIdSchema.parse("pennyline-canary");

/** `<creatorId, escaped as in a URL with ~ for %>.<sequence, 10 digits>` */
export const entryIdSchema = z
  .string()
  .max(3 * limits.maxCreatorIdBytes + 11)
  .regex(/^[^/?#]+\.\d{10}$/, "must be an entry's id, as the ledger shows it")
  .brand("EntryId");

export type ArticleId = z.infer<typeof articleIdSchema>;
export type CreatorId = z.infer<typeof creatorIdSchema>;
export type ReaderId = z.infer<typeof readerIdSchema>;
export type ArticleGroupId = z.infer<typeof articleGroupIdSchema>;
export type EntryId = z.infer<typeof entryIdSchema>;
