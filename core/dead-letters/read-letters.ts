import { nextCursor, type PageQuery, wrongCursor } from "../perimeter/page.ts";
import { problems } from "../perimeter/problem.ts";
import type { Letter, LetterState } from "./letter.ts";
import { type LetterFilter, type LetterLine, type LetterStore, listedAt } from "./letter-store.ts";
import { maskBody } from "./mask.ts";
import { type ActionStore, outcomeOf, type Redrive } from "./redrive.ts";

interface ListQuery extends PageQuery, LetterFilter {
  readonly state: LetterState;
}

const iso = (ms: number) => new Date(ms).toISOString();
/** Letters that are looked at for groups; with more of them the counts are at least so high. */
const maxGrouped = 20_000;

export const pathOfRedrive = (redriveId: string) => `/v1/admin/dead-letters/redrives/${redriveId}`;

export async function listLetters(
  store: Pick<LetterStore, "lines" | "readAll">,
  { state, queue, causeId, limit, cursor }: ListQuery,
) {
  if (cursor !== undefined && !/^[\d\-:.TZ]{24}#[0-9a-f-]{36}$/.test(cursor)) throw wrongCursor();
  const lines: LetterLine[] = [];
  for await (const line of store.lines(state, { queue, causeId }, cursor)) {
    lines.push(line);
    if (lines.length === limit) break;
  }
  const letters = await store.readAll(lines.map(({ letterId }) => letterId));
  const byId = new Map(letters.map((letter) => [letter.letterId, letter]));
  const found = lines.flatMap(({ letterId }) => byId.get(letterId) ?? []);
  return { items: found.map(present), ...nextCursor(lines, limit, listedAt) };
}

/** Letters by cause, those with most first. */
export async function groupLetters(
  store: Pick<LetterStore, "lines">,
  { state, queue }: { readonly state: LetterState; readonly queue?: string | undefined },
) {
  const groups = new Map<string, { line: LetterLine; queues: Set<string>; count: number }>();
  let seen = 0;
  for await (const line of store.lines(state, { queue })) {
    // The first that is seen is the newest.
    const group = groups.get(line.causeId) ?? { line, queues: new Set(), count: 0 };
    group.count += 1;
    group.queues.add(line.queue);
    groups.set(line.causeId, group);
    seen += 1;
    if (seen === maxGrouped) break;
  }
  const items = [...groups.values()]
    .sort((a, b) => b.count - a.count)
    .map(({ line, queues, count }) => ({
      cause: line.causeId,
      ...{ errorClass: line.errorClass, message: line.message, queues: [...queues], count },
      newest: { letterId: line.letterId, archivedAt: iso(line.archivedAtMs) },
    }));
  return { items, complete: seen < maxGrouped };
}

/** @throws Problem 404. */
export async function readLetter(store: Pick<LetterStore, "read" | "readBody">, letterId: string) {
  const letter = await existing(store, letterId);
  const edition = letter.bodies.length - 1;
  const bodies = [maskBody(await store.readBody(letter, edition))];
  if (edition > 0) bodies.push(maskBody(await store.readBody(letter, 0)));
  const [body, original] = bodies;
  return {
    ...present(letter),
    body,
    ...(original !== undefined && { original }),
    history: letter.history.map(({ atMs, ...step }) => ({ ...step, at: iso(atMs) })),
  };
}

export async function existing(
  store: Pick<LetterStore, "read">,
  letterId: string,
): Promise<Letter> {
  const letter = await store.read(letterId);
  if (!letter) throw problems.notFound(`dead letter ${letterId}`);
  return letter;
}

function present(letter: Letter) {
  const { letterId, state, queue, kind, source, cause, attempts, redrives, traceId } = letter;
  const { causeId, errorClass, message } = cause;
  return {
    ...{ letterId, state, queue, source, kind },
    ...{ cause: causeId, errorClass, message, attempts, redrives },
    ...(traceId !== undefined && { traceId, trace: `/v1/admin/traces/${traceId}` }),
    ...(letter.failure && { failedAt: iso(letter.failure.atMs) }),
    firstSentAt: iso(letter.firstSentAtMs),
    archivedAt: iso(letter.archivedAtMs),
    changedAt: iso(letter.changedAtMs),
    ...(letter.redrive?.jobId !== undefined && { jobId: letter.redrive.jobId }),
    ...(letter.expiresAtMs !== undefined && { expiresAt: iso(letter.expiresAtMs) }),
    edited: letter.bodies.length > 1,
    bytes: letter.bodies.at(-1)?.bytes ?? 0,
  };
}

/** @throws Problem 404. */
export async function readRedrive(
  deps: { readonly letters: Pick<LetterStore, "readAll">; readonly actions: ActionStore },
  redriveId: string,
) {
  const redrive = await deps.actions.readRedrive(redriveId);
  if (!redrive) throw problems.notFound(`redrive ${redriveId}`);
  const letters = await deps.letters.readAll(redrive.letterIds);
  return presentRedrive(redrive, letters);
}

export function presentRedrive(redrive: Redrive, letters: readonly Letter[]) {
  const byId = new Map(letters.map((letter) => [letter.letterId, letter]));
  const { redriveId, letterIds, ratePerSecond, by, note, requestedAtMs } = redrive;
  const outcomes = letterIds.map((letterId, at) => ({
    letterId,
    outcome: outcomeOf(redrive, byId.get(letterId), at),
  }));
  const counts: Record<string, number> = {};
  for (const { outcome } of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return {
    ...{ redriveId, by, note, ratePerSecond, requestedAt: iso(requestedAtMs), counts },
    letters: outcomes,
    links: { self: pathOfRedrive(redriveId) },
  };
}

export async function readAudit({ readAudit: read }: ActionStore, { limit, cursor }: PageQuery) {
  const { entries, ...next } = await read(limit, cursor);
  const items = entries.map(({ atMs, ...entry }) => ({ ...entry, at: iso(atMs) }));
  return { items, ...next };
}
