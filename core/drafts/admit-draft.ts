import type { z } from "zod";
import type { jobTypes, TextId } from "../contracts/job-types.ts";
import type { FileStore } from "../files/file-store.ts";
import type { JsonObject } from "../jobs/job.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import {
  conflictDetail,
  conflictLinks,
  type DraftStore,
  type SavedText,
  textIdOf,
  textKeyOf,
} from "./draft.ts";

type Payload = z.output<(typeof jobTypes)["draft.save"]["payload"]>;

interface Deps {
  readonly drafts: Pick<DraftStore, "head" | "keepConflict">;
  readonly files: Pick<FileStore, "put">;
  readonly clock: Clock;
  readonly sha256Hex: (text: string) => string;
}

/** What the worker is told: the text itself is a file by then. */
export type AdmittedDraft = Omit<Payload, "text"> & {
  readonly textId: TextId;
  readonly textKey: string;
  readonly bytes: number;
};

/**
 * Puts the text of a save where it is safe, before it is accepted; the bus only carries its name.
 * @throws Problem 409 when the draft has moved on since. That text is kept, too.
 */
export async function admitDraft(
  deps: Deps,
  { text, ...payload }: Payload,
  jobId: string,
): Promise<AdmittedDraft> {
  const { baseRevision, title } = payload;
  const textId = textIdOf(deps.sha256Hex, jobId, text);
  const textKey = textKeyOf(payload, textId);
  const [head] = await Promise.all([
    deps.drafts.head(payload),
    deps.files.put(textKey, text, "text/plain; charset=utf-8"),
  ]);
  const bytes = new TextEncoder().encode(text).length;
  const currentRevision = head?.revision ?? 0;
  if (baseRevision === currentRevision) return { ...payload, textId, textKey, bytes };
  const savedAtMs = deps.clock.nowMs();
  const words = countWords(text);
  const kept: SavedText = { textId, jobId, baseRevision, title, textKey, bytes, words, savedAtMs };
  await deps.drafts.keepConflict(payload, kept);
  throw problems.conflict(
    "draft-conflict",
    "The draft has changed",
    conflictDetail(baseRevision, currentRevision),
    { currentRevision, links: conflictLinks(payload, textId) },
  );
}

/** For the registry of admissions, which knows payloads as JSON. */
export const admitDraftJson = (deps: Deps) => async (payload: JsonObject, job: { jobId: string }) =>
  (await admitDraft(deps, payload as unknown as Payload, job.jobId)) as unknown as JsonObject;

/** Runs of letters and digits, as readers count them; scripts without spaces by their characters. */
export function countWords(text: string): number {
  return [...segmenter.segment(text)].filter(({ isWordLike }) => isWordLike).length;
}

const segmenter = new Intl.Segmenter("und", { granularity: "word" });
