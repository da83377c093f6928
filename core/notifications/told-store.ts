import type { ArticleId, CreatorId, ReaderId } from "../contracts/ids.ts";
import type { NotificationChannel, ProvidedChannel } from "../contracts/kinds.ts";
import type { FailReason, SkipReason } from "./fanout.ts";

/** What became of telling one reader of one article through one channel. */
export type Outcome =
  | { readonly state: "sent" }
  | { readonly state: "skipped"; readonly reason: SkipReason }
  | { readonly state: "failed"; readonly reason: FailReason };

/** Somebody set out to tell a reader, or did. */
export interface Told {
  /** `claimed`: begun, and not heard of since. */
  readonly outcome: Outcome | { readonly state: "claimed" };
  /** Whose it is: the chunk of a job, see `chunkName`. */
  readonly chunk: string;
  /** When it was claimed or written, ms since the epoch. */
  readonly atMs: number;
  /** 1 for the first time that it was claimed. */
  readonly attempt: number;
}

/** Whom to tell of what, and for whom. */
export interface Telling {
  readonly articleId: ArticleId;
  readonly creatorId: CreatorId;
  readonly readerId: ReaderId;
  readonly chunk: string;
}

export interface InboxItem {
  readonly articleId: ArticleId;
  readonly creatorId: CreatorId;
  readonly title: string;
  readonly url: string;
  readonly excerpt?: string;
  /** ms since the epoch. */
  readonly atMs: number;
}

/** Who was told of what; each reader once for each article and channel. Expired marks do not exist. */
export interface ToldStore {
  read(
    articleId: ArticleId,
    channel: NotificationChannel,
    readerIds: readonly ReaderId[],
  ): Promise<ReadonlyMap<ReaderId, Told>>;
  /** Takes it, if what was read before (undefined: nothing) still stands. */
  claim(
    telling: Telling,
    channel: ProvidedChannel,
    before: Told | undefined,
    atMs: number,
  ): Promise<Told | "lost">;
  /** Says what became of a claim, unless somebody else claimed it since. */
  settle(telling: Telling, channel: ProvidedChannel, claim: Told, outcome: Outcome): Promise<void>;
  /** Gives a claim back: it was not sent. */
  release(telling: Telling, channel: ProvidedChannel, claim: Told): Promise<void>;
  /** Marks readers and puts the article into their inboxes, each together or not at all. */
  tellInboxes(tellings: readonly Telling[], item: InboxItem): Promise<void>;
}

/** Whom an e-mail was for, and when it was claimed. */
export interface TaggedMail extends Pick<Telling, "creatorId" | "readerId"> {
  readonly atMs: number;
  /** Whoever claimed it has not said what became of it. */
  readonly isClaimed: boolean;
}

/** E-mails by the tag that they were sent with. */
export interface MailReports {
  /** Those of which anybody knows. */
  find(tags: readonly string[]): Promise<ReadonlyMap<string, TaggedMail>>;
  /** It has left us. */
  sent(tag: string): Promise<void>;
}
