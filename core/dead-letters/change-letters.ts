import type { DeadLetterSources } from "../contracts/dead-letter-sources.ts";
import { redriveRequested } from "../contracts/events.ts";
import { limits } from "../contracts/limits.ts";
import type { Json } from "../jobs/job.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { readEvent, UnreadableEvent } from "../messaging/read-event.ts";
import { problems } from "../perimeter/problem.ts";
import { atOnce } from "../values/at-once.ts";
import { type Clock, dayMs } from "../values/time.ts";
import { timedIdOf } from "../values/timed-id.ts";
import { contractOf } from "./contract-of.ts";
import { type Asked, discarded, edited, isRedrivable, isResolved, type Letter } from "./letter.ts";
import { changeLetter, type LetterStore } from "./letter-store.ts";
import { isObject, maskBody, parse, unmask } from "./mask.ts";
import { existing } from "./read-letters.ts";
import type { ActionStore, Redrive } from "./redrive.ts";

export interface ActionDeps {
  readonly letters: LetterStore;
  readonly actions: ActionStore;
  readonly bus: EventPublisher;
  readonly clock: Clock;
  readonly sources: DeadLetterSources;
  /** How long after they were sent engagements may be redriven. */
  readonly engagementsWithinMs: number;
}

export interface ActionRequest extends Asked {
  readonly requestId: string;
  readonly traceparent: string;
}

interface Selection {
  readonly letterIds?: readonly string[] | undefined;
  readonly cause?: string | undefined;
  readonly queue?: string | undefined;
}

/**
 * Puts another body in a letter's place. The original is kept.
 * @throws Problem 400 when a worker could not read it, 404, 409 when it was seen to.
 */
export async function editLetter(
  deps: ActionDeps,
  letterId: string,
  wanted: Json,
  asked: ActionRequest,
): Promise<void> {
  const { letters, clock } = deps;
  const letter = await existing(letters, letterId);
  if (letter.state !== "open") throw notOpen(letter);
  const edition = letter.bodies.length;
  if (edition > limits.maxLetterEdits) {
    throw problems.conflict(
      "too-many-edits",
      "It was edited too often",
      `A letter can be edited ${limits.maxLetterEdits} times.`,
    );
  }
  const before = await letters.readBody(letter, edition - 1);
  const body = JSON.stringify(unmask(wanted, parse(before), maskBody(before)));
  checkBody(deps.sources[letter.source], body);
  const stored = await letters.putBody(letterId, edition, body, asked.requestId);
  const changed = await changeLetter(letters, letterId, (latest) =>
    latest.version === letter.version ? edited(latest, stored, asked, clock.nowMs()) : undefined,
  );
  if (changed?.bodies[edition]?.writer !== stored.writer) {
    await letters.dropBody(letterId, edition, stored);
    throw notOpen(letter);
  }
  await audit(deps, "edit", [letterId], asked);
}

/** What a worker's queue carries must be what the worker reads. */
function checkBody(carried: DeadLetterSources[string] | undefined, body: string): void {
  const envelope = parse(body);
  const type = isObject(envelope) ? envelope["detail-type"] : undefined;
  if (typeof carried !== "object" || !carried.includes(String(type))) {
    const types = typeof carried === "object" ? carried.join(" or ") : "nothing";
    throw problems.invalid(`body: its detail-type must be ${types}, which its queue carries.`);
  }
  const contract = contractOf(envelope);
  if (!contract) throw problems.invalid("body: there is no event of that type.");
  try {
    readEvent(contract, body);
  } catch (error) {
    if (error instanceof UnreadableEvent) throw problems.invalid(`body: ${error.message}`);
    throw error;
  }
}

/**
 * As long as impression keys are remembered, less what an engagement may have aged before it was
 * accepted and what its message may spend in a queue once more.
 */
export function redriveWithinMs(dedupeTtlDays: number): number {
  return (dedupeTtlDays - limits.queueRetentionDays - 1) * dayMs - limits.maxPublisherAgeMs;
}

/** So that as many as may be asked for are done long before the gateway gives up. */
const discardsAtOnce = 10;

/** @returns how many nobody had seen to until now. */
export async function discardLetters(
  deps: ActionDeps,
  selection: Selection,
  asked: ActionRequest,
): Promise<{ readonly discarded: number; readonly more: boolean }> {
  const { ids, more } = await select(deps, selection);
  await audit(deps, "discard", ids, asked);
  const done = await atOnce(ids, discardsAtOnce, async (letterId) => {
    const nowMs = deps.clock.nowMs();
    let wasOpen = false;
    await changeLetter(deps.letters, letterId, (one) => {
      const next = discarded(one, asked, nowMs);
      wasOpen = next !== undefined;
      return next;
    });
    return wasOpen;
  });
  return { discarded: done.filter(Boolean).length, more };
}

/**
 * Has letters sent back to their queues, in the background and not faster than `ratePerSecond`.
 * @throws Problem 409 when none of them can be.
 */
export async function requestRedrive(
  deps: ActionDeps,
  { ratePerSecond, ...selection }: Selection & { readonly ratePerSecond: number },
  asked: ActionRequest,
): Promise<{ readonly redrive: Redrive; readonly more: boolean }> {
  const { ids, more } = await select(deps, selection);
  const nowMs = deps.clock.nowMs();
  const letters = (await deps.letters.readAll(ids)).filter((letter) =>
    isRedrivable(letter, deps.sources, deps.engagementsWithinMs, nowMs),
  );
  if (letters.length === 0) {
    throw problems.conflict(
      "nothing-to-redrive",
      "Nothing can be redriven",
      "No such letter is open and belongs to a worker's queue: one that waits is on its way, a " +
        "schedule runs again by itself, and engagements may be too old to be counted only once.",
    );
  }
  const { by, note, requestId, traceparent } = asked;
  const redrive: Redrive = {
    redriveId: requestId.slice(0, 32),
    letterIds: letters.map(({ letterId }) => letterId),
    ...{ ratePerSecond, by, note, requestedAtMs: nowMs, done: 0 },
  };
  const { redriveId, letterIds } = redrive;
  // A request that was cut off finds what it wrote, and announces it again.
  const known = await deps.actions.readRedrive(redriveId);
  if (!known) {
    await deps.actions.putRedrive(redrive);
    await audit(deps, "redrive", letterIds, asked, redriveId);
  }
  await deps.bus.publish([
    {
      contract: redriveRequested,
      detail: { schemaVersion: 1, traceparent, redriveId, from: 0 },
    },
  ]);
  return { redrive: known ?? redrive, more };
}

async function select(
  { letters }: ActionDeps,
  { letterIds, cause, queue }: Selection,
): Promise<{ readonly ids: readonly string[]; readonly more: boolean }> {
  if (letterIds) return { ids: [...new Set(letterIds)], more: false };
  const ids: string[] = [];
  for await (const { letterId } of letters.lines("open", { queue, causeId: cause })) {
    if (ids.length === limits.maxLettersAtOnce) return { ids, more: true };
    ids.push(letterId);
  }
  return { ids, more: false };
}

async function audit(
  { actions, clock }: ActionDeps,
  action: "redrive" | "discard" | "edit",
  letterIds: readonly string[],
  { by, note, requestId }: ActionRequest,
  redriveId?: string,
): Promise<void> {
  const atMs = clock.nowMs();
  await actions.audit(
    { atMs, by, action, note, letterIds, ...(redriveId !== undefined && { redriveId }) },
    timedIdOf(atMs, requestId),
  );
}

function notOpen(letter: Letter) {
  const what = isResolved(letter) ? "was seen to" : "is on its way, or changed meanwhile";
  return problems.conflict("letter-not-open", "The letter is not open", `It ${what}.`);
}
