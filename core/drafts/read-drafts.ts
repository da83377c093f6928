import type { CreatorId } from "../contracts/ids.ts";
import { draftIdSchema, type TextId, textIdSchema } from "../contracts/job-types.ts";
import { limits } from "../contracts/limits.ts";
import type { FileStore } from "../files/file-store.ts";
import { nextCursor, type PageQuery, sequenceOfCursor, wrongCursor } from "../perimeter/page.ts";
import { problems } from "../perimeter/problem.ts";
import {
  conflictLinks,
  type DraftName,
  type DraftStore,
  pathOfDraft,
  presentRevision,
  type SavedText,
} from "./draft.ts";

interface Deps {
  readonly drafts: DraftStore;
  readonly files: Pick<FileStore, "read">;
}

/** A creator's drafts, each with its latest revision. */
export async function listDrafts(
  { drafts }: Deps,
  creatorId: CreatorId,
  { limit, cursor }: PageQuery,
) {
  if (cursor !== undefined && !draftIdSchema.safeParse(cursor).success) throw wrongCursor();
  const heads = await drafts.heads(creatorId, limit, cursor);
  const items = heads.map((head) => ({
    draftId: head.draftId,
    ...presentRevision(head),
    links: { self: pathOfDraft({ creatorId, draftId: head.draftId }) },
  }));
  return { items, ...nextCursor(heads, limit, ({ draftId }) => draftId) };
}

export async function listRevisions(
  { drafts }: Deps,
  draft: DraftName,
  { limit, cursor }: PageQuery,
) {
  const revisions = await drafts.revisions(draft, limit, sequenceOfCursor(cursor));
  if (revisions.length === 0 && cursor === undefined) throw noDraft(draft);
  return {
    items: revisions.map(presentRevision),
    ...nextCursor(revisions, limit, ({ revision }) => String(revision)),
  };
}

/** A revision with its text; the latest, if none is named. @throws Problem 404 */
export async function readRevision(deps: Deps, draft: DraftName, number?: number) {
  const found = await (number === undefined
    ? deps.drafts.head(draft)
    : deps.drafts.revision(draft, number));
  if (!found) throw number === undefined ? noDraft(draft) : problems.notFound(`revision ${number}`);
  const text = await textOf(deps, found.textKey);
  return { draftId: draft.draftId, ...presentRevision(found), text };
}

/** Texts of a draft that lost against others: whoever lost the answer that named one finds it here. */
export async function listConflicts(
  { drafts }: Deps,
  draft: DraftName,
  { limit, cursor }: PageQuery,
) {
  if (cursor !== undefined && !textIdSchema.safeParse(cursor).success) throw wrongCursor();
  const texts = await drafts.conflicts(draft, limit, cursor);
  const items = texts.map((text) => ({
    textId: text.textId,
    ...presentConflict(text),
    links: { self: conflictLinks(draft, text.textId).yours },
  }));
  return { items, ...nextCursor(texts, limit, ({ textId }) => textId) };
}

/** A text that lost against another one. @throws Problem 404 */
export async function readConflict(deps: Deps, draft: DraftName, textId: TextId) {
  const found = await deps.drafts.conflict(draft, textId);
  if (!found) throw problems.notFound(`conflict ${JSON.stringify(textId)}`);
  const text = await textOf(deps, found.textKey);
  return { draftId: draft.draftId, ...presentConflict(found), text };
}

function presentConflict(text: SavedText) {
  const { revision: _, ...shown } = presentRevision({ ...text, revision: 0 });
  return shown;
}

async function textOf({ files }: Deps, textKey: string): Promise<string> {
  const bytes = await files.read(textKey, limits.maxDraftBytes);
  if (!bytes) throw new Error(`the text ${textKey} is not there`);
  return new TextDecoder().decode(bytes);
}

function noDraft({ draftId }: DraftName) {
  return problems.notFound(`draft ${JSON.stringify(draftId)}`);
}
