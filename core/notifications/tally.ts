import type { ReaderId } from "../contracts/ids.ts";
import type { Tally } from "./fanout.ts";
import type { Outcome, Told } from "./told-store.ts";

/**
 * What became of a chunk's readers, by their marks. One whom another chunk told was told before; one
 * without a mark, or with one that never was settled, could not be told.
 * @param decided what there is no mark for.
 */
export function tallyOf(
  readerIds: readonly ReaderId[],
  marks: ReadonlyMap<ReaderId, Told>,
  chunk: string,
  decided: ReadonlyMap<ReaderId, Outcome> = new Map(),
): Partial<Tally> {
  const tally: Partial<Record<keyof Tally, number>> = {};
  for (const readerId of readerIds) {
    const key = keyOf(decided.get(readerId) ?? outcomeOf(marks.get(readerId), chunk));
    tally[key] = (tally[key] ?? 0) + 1;
  }
  return tally;
}

function outcomeOf(mark: Told | undefined, chunk: string): Outcome {
  if (mark === undefined) return { state: "failed", reason: "gave-up" };
  const { outcome } = mark;
  if (mark.chunk !== chunk && outcome.state !== "failed") {
    return { state: "skipped", reason: "told-before" };
  }
  return outcome.state === "claimed" ? { state: "failed", reason: "unknown" } : outcome;
}

function keyOf(outcome: Outcome): keyof Tally {
  return outcome.state === "sent" ? "sent" : (`${outcome.state}.${outcome.reason}` as keyof Tally);
}
