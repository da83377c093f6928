import type { CreatorId } from "../contracts/ids.ts";
import type { DraftId, TextId } from "../contracts/job-types.ts";
import { filePrefixes } from "../contracts/storage.ts";

/** One text of a draft, and what is known of it. */
export interface SavedText {
  readonly textId: TextId;
  /** The job that brought it. */
  readonly jobId: string;
  /** The revision that was edited. */
  readonly baseRevision: number;
  readonly title?: string | undefined;
  /** Its key in the bucket. */
  readonly textKey: string;
  readonly bytes: number;
  readonly words: number;
  readonly savedAtMs: number;
}

export interface Revision extends SavedText {
  /** 1, 2, 3 …, each made from the one before. */
  readonly revision: number;
}

/** The latest revision of a draft. */
export interface DraftHead extends Revision {
  readonly draftId: DraftId;
}

export interface DraftName {
  readonly creatorId: CreatorId;
  readonly draftId: DraftId;
}

/** Drafts; strongly consistent. Revisions and conflicts are never changed. */
export interface DraftStore {
  head(draft: DraftName): Promise<DraftHead | undefined>;
  revision(draft: DraftName, revision: number): Promise<Revision | undefined>;
  conflict(draft: DraftName, textId: TextId): Promise<SavedText | undefined>;
  /** Makes it the latest revision, in one step, if it was made from the latest. */
  save(draft: DraftName, revision: Revision): Promise<"saved" | "stale">;
  /** Keeps a text that could not become a revision. Again: nothing new. */
  keepConflict(draft: DraftName, text: SavedText): Promise<void>;
  /** Texts that could not become a revision, by their ids, after one of them. */
  conflicts(
    draft: DraftName,
    limit: number,
    after: string | undefined,
  ): Promise<readonly SavedText[]>;
  /** Of one creator, by id, after a cursor. */
  heads(
    creatorId: CreatorId,
    limit: number,
    after: string | undefined,
  ): Promise<readonly DraftHead[]>;
  /** Newest first, older than `before`. */
  revisions(
    draft: DraftName,
    limit: number,
    before: number | undefined,
  ): Promise<readonly Revision[]>;
}

/**
 * Names a text by what it is: a request may be mended and sent again under its key, which names its
 * job, and must not replace what it said before.
 */
export function textIdOf(sha256Hex: (text: string) => string, jobId: string, text: string): TextId {
  return sha256Hex(`${jobId} ${text}`).slice(0, 32) as TextId;
}

/** Where a save's text lies. A name of dots only would be a step in a path. */
export function textKeyOf({ creatorId, draftId }: DraftName, textId: TextId): string {
  const creator = encodeURIComponent(creatorId).replace(/^\.+$/, (dots) =>
    dots.replaceAll(".", "%2E"),
  );
  return `${filePrefixes.drafts}${creator}/${draftId}/${textId}.txt`;
}

export function pathOfDraft({ creatorId, draftId }: DraftName): string {
  return `/v1/creators/${encodeURIComponent(creatorId)}/drafts/${draftId}`;
}

/** Where both texts can be read after a conflict. */
export function conflictLinks(draft: DraftName, textId: TextId) {
  const path = pathOfDraft(draft);
  return { current: path, yours: `${path}/conflicts/${textId}` };
}

export function conflictDetail(baseRevision: number, currentRevision: number): string {
  return (
    `It was made from revision ${baseRevision}, and the latest is ${currentRevision}. ` +
    "Both texts are kept: read them, merge them, and save again from the latest revision."
  );
}

/** What clients see, without the text. */
export function presentRevision(revision: Revision) {
  const { title, bytes, words, savedAtMs, baseRevision, jobId } = revision;
  return {
    revision: revision.revision,
    ...(title !== undefined && { title }),
    ...{ bytes, words, baseRevision, jobId },
    savedAt: new Date(savedAtMs).toISOString(),
  };
}
