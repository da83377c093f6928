import { limits } from "../contracts/limits.ts";
import type { FileStore } from "../files/file-store.ts";
import type { JobOutcome } from "../jobs/job.ts";
import type { JobRun } from "../jobs/run-job.ts";
import type { Clock } from "../values/time.ts";
import { type AdmittedDraft, countWords } from "./admit-draft.ts";
import {
  conflictDetail,
  conflictLinks,
  type DraftStore,
  pathOfDraft,
  type Revision,
} from "./draft.ts";

interface Deps {
  readonly drafts: Pick<DraftStore, "head" | "revision" | "save" | "keepConflict">;
  readonly files: Pick<FileStore, "read">;
  readonly clock: Clock;
}

/**
 * Makes an accepted text the next revision of its draft. Of two that were made from the same one, the
 * first wins; the other is kept as a conflict, and its job says so.
 */
export async function saveDraft(deps: Deps, run: JobRun<AdmittedDraft>): Promise<JobOutcome> {
  const { creatorId, draftId, baseRevision, title, textId, textKey } = run.payload;
  const draft = { creatorId, draftId };
  const bytes = await deps.files.read(textKey, limits.maxDraftBytes);
  if (!bytes) throw new Error(`the text ${textKey} is not there`);
  const text = new TextDecoder().decode(bytes);
  const revision: Revision = {
    ...{ textId, jobId: run.jobId, baseRevision, revision: baseRevision + 1, title, textKey },
    ...{ bytes: bytes.length, words: countWords(text), savedAtMs: deps.clock.nowMs() },
  };
  if ((await deps.drafts.save(draft, revision)) === "saved") return saved(revision);
  // An earlier attempt may have written just this one, and died before it could say so.
  const stored = await deps.drafts.revision(draft, revision.revision);
  if (stored?.textId === textId) return saved(stored);
  await deps.drafts.keepConflict(draft, revision);
  const currentRevision = (await deps.drafts.head(draft))?.revision ?? 0;
  return {
    kind: "failed",
    problem: {
      ...{ code: "draft-conflict", title: "The draft has changed", status: 409 },
      detail: conflictDetail(baseRevision, currentRevision),
      extensions: { currentRevision, links: conflictLinks(draft, textId) },
    },
  };

  function saved({ revision, words, bytes }: Revision): JobOutcome {
    const path = pathOfDraft(draft);
    return {
      kind: "succeeded",
      message: `Saved as revision ${revision}`,
      result: { revision, words, bytes, links: { revision: `${path}/revisions/${revision}` } },
    };
  }
}
