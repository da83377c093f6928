import type { letterStates } from "../contracts/dead-letter-bodies.ts";
import type { DeadLetterSources, LetterKind } from "../contracts/dead-letter-sources.ts";
import { engagementsAccepted } from "../contracts/events.ts";
import { dayMs } from "../values/time.ts";
import type { Cause, Failure } from "./failure.ts";

export type LetterState = (typeof letterStates)[number];

export interface LetterCause extends Cause {
  /** The same for all letters of one cause. */
  readonly causeId: string;
}

export interface LetterStep {
  readonly what: "archived" | "edited" | "redriven" | "failed-again" | "succeeded" | "discarded";
  readonly atMs: number;
  /** Who did it, and why. */
  readonly by?: string;
  readonly note?: string;
  readonly redriveId?: string;
  readonly cause?: Cause;
}

/** How a body is stored. */
export interface StoredBody {
  readonly parts: number;
  readonly bytes: number;
  /** Who wrote an edit: of two at once each has its own, and the letter names one. */
  readonly writer?: string;
}

/** A message that could not be worked on or delivered, kept until somebody has seen to it. */
export interface Letter {
  readonly letterId: string;
  /** 1, 2, 3 …: grows with each change. */
  readonly version: number;
  readonly state: LetterState;
  /** The dead letter queue it lay in, and whose that is. */
  readonly queue: string;
  readonly source: string;
  readonly kind: LetterKind;
  readonly cause: LetterCause;
  readonly failure?: Failure;
  /** How often it was received before it was given up, all redrives together. */
  readonly attempts: number;
  readonly firstSentAtMs: number;
  readonly archivedAtMs: number;
  readonly changedAtMs: number;
  readonly traceId?: string;
  /** Its bodies, as they are stored: the original, and one for each edit. The last one counts. */
  readonly bodies: readonly StoredBody[];
  readonly redrives: number;
  /** The latest redrive: its number, and the job that took its place, if it was a job's. */
  readonly redrive?: {
    readonly redriveId: string;
    readonly number: number;
    readonly atMs: number;
    readonly jobId?: string;
  };
  /** The latest, oldest first. */
  readonly history: readonly LetterStep[];
  /** Set once it is seen to; from then on it does not exist. */
  readonly expiresAtMs?: number;
}

/** How long a letter is remembered after it was seen to. */
export const resolvedTtlMs = 90 * dayMs;
const maxHistory = 50;

type Changed = Partial<
  Pick<
    Letter,
    | "state"
    | "cause"
    | "failure"
    | "attempts"
    | "archivedAtMs"
    | "bodies"
    | "redrives"
    | "redrive"
    | "expiresAtMs"
  >
>;

function changed(letter: Letter, change: Changed, step: LetterStep): Letter {
  return {
    ...letter,
    ...change,
    ...{ version: letter.version + 1, changedAtMs: step.atMs },
    history: [...letter.history, step].slice(-maxHistory),
  };
}

type Archived = Omit<Letter, "version" | "state" | "changedAtMs" | "redrives" | "history">;

export function newLetter(archived: Archived): Letter {
  const { archivedAtMs: atMs, cause } = archived;
  return {
    ...archived,
    ...{ version: 1, state: "open", changedAtMs: atMs, redrives: 0 },
    history: [{ what: "archived", atMs, cause: plain(cause) }],
  };
}

export const isResolved = ({ state }: Letter): boolean =>
  state === "succeeded" || state === "discarded";

/**
 * What was redriven came back. Only the redrive that it waits for reopens it: a copy of one that
 * came back before, or succeeded since, changes nothing.
 */
export function failedAgain(
  letter: Letter,
  again: Pick<Letter, "cause" | "failure" | "attempts"> & { readonly number: number },
  nowMs: number,
): Letter | undefined {
  if (letter.state !== "waiting" || letter.redrive?.number !== again.number) return undefined;
  const { cause, failure, attempts } = again;
  return changed(
    letter,
    {
      ...{ state: "open", cause, archivedAtMs: nowMs, attempts: letter.attempts + attempts },
      ...(failure && { failure }),
    },
    {
      ...{ what: "failed-again", atMs: nowMs, cause: plain(cause) },
      redriveId: letter.redrive.redriveId,
    },
  );
}

/** How long one that was redriven is waited for, before it may be sent again. */
const waitForMs = 3_600_000;

/**
 * Only a worker's queue takes something back, and nothing that is on its way already; nor engagements
 * so old that their impression keys may be forgotten: an attempt that died may have counted them.
 */
export function isRedrivable(
  letter: Letter,
  sources: DeadLetterSources,
  engagementsWithinMs: number,
  nowMs: number,
): boolean {
  const carries = sources[letter.source];
  if (typeof carries !== "object") return false;
  const isOld = nowMs - letter.firstSentAtMs > engagementsWithinMs;
  if (isOld && carries.includes(engagementsAccepted.detailType)) return false;
  return letter.state === "open" || isOverdue(letter, nowMs);
}

function isOverdue({ state, redrive }: Letter, nowMs: number): boolean {
  return state === "waiting" && redrive !== undefined && redrive.atMs + waitForMs < nowMs;
}

/** It is about to be sent back. A redrive has each letter once; another one may, once it is open. */
export function redriven(
  letter: Letter,
  { redriveId, by, note }: Asked & { readonly redriveId: string },
  nowMs: number,
): Letter | undefined {
  if (letter.history.some((step) => step.redriveId === redriveId)) return undefined;
  if (letter.state !== "open" && !isOverdue(letter, nowMs)) return undefined;
  const number = letter.redrives + 1;
  return changed(
    letter,
    { state: "waiting", redrives: number, redrive: { redriveId, number, atMs: nowMs } },
    { what: "redriven", atMs: nowMs, by, note, redriveId },
  );
}

/** A new job took its place, whose end is its outcome. */
export function followed(
  letter: Letter,
  number: number,
  jobId: string,
  nowMs: number,
): Letter | undefined {
  if (letter.redrive?.number !== number) return undefined;
  const next = { ...letter, redrive: { ...letter.redrive, jobId } };
  return { ...next, version: letter.version + 1, changedAtMs: nowMs };
}

/** Its latest body is another one now. */
export function edited(
  letter: Letter,
  body: StoredBody,
  { by, note }: Asked,
  nowMs: number,
): Letter | undefined {
  if (letter.state !== "open") return undefined;
  return changed(
    letter,
    { bodies: [...letter.bodies, body] },
    { what: "edited", atMs: nowMs, by, note },
  );
}

/** A worker has done what the redriven message asks for: that is true whatever was said before. */
export function succeeded(letter: Letter, number: number, nowMs: number): Letter | undefined {
  if (isResolved(letter) || letter.redrive?.number !== number) return undefined;
  const { redriveId } = letter.redrive;
  return changed(
    letter,
    { state: "succeeded", expiresAtMs: nowMs + resolvedTtlMs },
    { what: "succeeded", atMs: nowMs, redriveId },
  );
}

/** Who asks for something to be done with letters, and why. */
export interface Asked {
  readonly by: string;
  readonly note: string;
}

/** Nothing is to be done about it any more. */
export function discarded(letter: Letter, { by, note }: Asked, nowMs: number): Letter | undefined {
  if (isResolved(letter)) return undefined;
  return changed(
    letter,
    { state: "discarded", expiresAtMs: nowMs + resolvedTtlMs },
    { what: "discarded", atMs: nowMs, by, note },
  );
}

function plain({ errorClass, message }: Cause): Cause {
  return { errorClass, message };
}
