import { z } from "zod";
import { limits } from "../../core/contracts/limits.ts";
import type { Pacing } from "../../core/values/retry.ts";
import type { Clock } from "../../core/values/time.ts";
import type { Api } from "../api/api-client.ts";
import { ask, change } from "../api/ask.ts";
import { Refused } from "../program/unanswered.ts";
import { amountOf, grouped } from "../text.ts";

const redriveShape = z.looseObject({
  redriveId: z.string(),
  ratePerSecond: z.number(),
  counts: z.record(z.string(), z.number()),
  letters: z.array(z.object({ letterId: z.string(), outcome: z.string() })),
});
export type Redrive = z.infer<typeof redriveShape>;

const path = "/v1/admin/dead-letters/redrives";
/** Admin routes take a request a second. */
const betweenLooksMs = 2_000;
/** A letter that nobody says anything of for an hour may be redriven anew. */
const patienceMs = 3_600_000;

export const readRedrive = async (api: Api, redriveId: string): Promise<Redrive> =>
  (await ask(api, `${path}/${encodeURIComponent(redriveId)}`, redriveShape)).value;

/** How it is waited for what comes of redrives. */
export interface Waiting {
  /** Told of each change. */
  readonly tell: (text: string) => void;
  readonly clock: Clock;
  readonly pacing: Pick<Pacing, "sleep">;
}

export interface Wanted {
  readonly letterIds: readonly string[];
  readonly ratePerSecond: number | undefined;
  readonly note: string;
}

/**
 * Redrives letters, each once. A part is asked for when the one before it was sent, so that the rate
 * holds for all of them.
 */
export async function redriveAll(
  api: Api,
  { letterIds, ratePerSecond, note }: Wanted,
  waiting: Waiting,
): Promise<Redrive[]> {
  const redrives: Redrive[] = [];
  const most = limits.maxLettersAtOnce;
  for (let from = 0; from < letterIds.length; from += most) {
    const before = redrives.at(-1);
    if (before) redrives[redrives.length - 1] = await follow(api, before, isSent, waiting);
    const part = letterIds.slice(from, from + most);
    const redrive = await request(api, { letterIds: part, ratePerSecond, note });
    if (redrive) redrives.push(redrive);
  }
  return redrives;
}

/** @returns undefined when none of the letters can be redriven. */
async function request(api: Api, wanted: Wanted): Promise<Redrive | undefined> {
  try {
    return (await change(api, "POST", path, wanted, redriveShape)).value;
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

const countOf = (redrive: Redrive, outcome: string): number => redrive.counts[outcome] ?? 0;

/** Every letter has had its turn. */
const isSent = (redrive: Redrive): boolean => countOf(redrive, "queued") === 0;
/** Of every letter it is known what came of it. */
export const isSettled = (redrive: Redrive): boolean =>
  isSent(redrive) && countOf(redrive, "waiting") === 0;

/** Looks until it is as wanted, or until nobody will say any more. */
export async function follow(
  api: Api,
  redrive: Redrive,
  isWanted: (redrive: Redrive) => boolean,
  { tell, clock, pacing }: Waiting,
): Promise<Redrive> {
  let [latest, told, changedAtMs] = [redrive, "", clock.nowMs()];
  while (!isWanted(latest) && clock.nowMs() - changedAtMs < patienceMs) {
    const now = countsOf(latest);
    if (now !== told) {
      tell(`redrive ${redrive.redriveId}: ${now}`);
      [told, changedAtMs] = [now, clock.nowMs()];
    }
    await pacing.sleep(betweenLooksMs);
    latest = await readRedrive(api, redrive.redriveId);
  }
  return latest;
}

const words: Readonly<Record<string, string>> = { "failed-again": "failed again" };
export const inWords = (outcome: string): string => words[outcome] ?? outcome;

/** `2 waiting, 7 succeeded` */
export function countsOf({ counts }: Pick<Redrive, "counts">): string {
  const parts = Object.entries(counts).map(
    ([outcome, count]) => `${grouped(count)} ${inWords(outcome)}`,
  );
  return parts.length === 0 ? amountOf(0, "letter") : parts.join(", ");
}
