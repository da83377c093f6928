import type { DeadLetterQueueOf } from "../contracts/dead-letter-sources.ts";
import { limits } from "../contracts/limits.ts";
import { atOnce } from "../values/at-once.ts";
import type { Clock } from "../values/time.ts";
import { traceIdOf, traceparentIn } from "../values/trace-context.ts";
import { type Cause, type FailureLog, normalise, noWord } from "./failure.ts";
import { failedAgain, type LetterCause, newLetter } from "./letter.ts";
import { changeLetter, type LetterStore } from "./letter-store.ts";

/** A message as it lies in a dead letter queue. */
export interface DeadMessage {
  readonly messageId: string;
  readonly body: string;
  readonly firstSentAtMs: number;
  readonly attributes: Readonly<Record<string, string>>;
  /** What it is deleted by. */
  readonly handle: string;
}

export interface DeadLetterQueues {
  /** At most ten, hidden from others for a while. */
  receive(queue: string): Promise<readonly DeadMessage[]>;
  delete(queue: string, handles: readonly string[]): Promise<void>;
}

/** Attributes of a message that was redriven: the letter it is, and which redrive it is. */
export const redriveAttributes = { letterId: "pennyline-letter", number: "pennyline-redrives" };

export interface ArchiveDeps {
  readonly queues: DeadLetterQueues;
  readonly letters: LetterStore;
  readonly failures: FailureLog;
  readonly clock: Clock;
  readonly sha256Hex: (text: string) => string;
  /** Told of a queue that could not be emptied. */
  readonly onFailed: (queue: string, error: unknown) => void;
  /** Told of each message that is a letter now, new or again, before it leaves its queue. */
  readonly onArchived?: (letterId: string, body: string, errorClass: string) => void;
}

const queuesAtOnce = 40;

/**
 * Makes letters of what lies in the dead letter queues, until they are empty or the time is over.
 * Written before it is deleted, and under the message's own id: what comes twice is one letter.
 * @returns how many were archived, and how many queues failed.
 */
export async function archiveLetters(
  deps: ArchiveDeps,
  queues: readonly DeadLetterQueueOf[],
  deadlineMs: number,
): Promise<{ readonly archived: number; readonly failed: number }> {
  let archived = 0;
  let failed = 0;
  await atOnce(queues, queuesAtOnce, async (from) => {
    try {
      while (deps.clock.nowMs() < deadlineMs) {
        const messages = await deps.queues.receive(from.queue);
        if (messages.length === 0) return;
        await Promise.all(messages.map((message) => archiveOne(deps, from, message)));
        const handles = messages.map(({ handle }) => handle);
        await deps.queues.delete(from.queue, handles);
        archived += messages.length;
      }
    } catch (error) {
      failed += 1;
      deps.onFailed(from.queue, error);
    }
  });
  return { archived, failed };
}

async function archiveOne(
  deps: ArchiveDeps,
  { queue, source, kind }: DeadLetterQueueOf,
  { messageId, body, firstSentAtMs, attributes }: DeadMessage,
): Promise<void> {
  const { letters, clock } = deps;
  const failure = kind === "failed" ? await deps.failures.read(messageId) : undefined;
  const cause = causeWithId(deps.sha256Hex, causeOfMessage(kind, failure, attributes));
  const attempts = kind === "failed" ? Math.max(failure?.attempt ?? 0, limits.maxReceives) : 0;
  const explained = { cause, attempts, ...(failure && { failure }) };
  const nowMs = clock.nowMs();
  const redriven = attributes[redriveAttributes.letterId];
  if (redriven !== undefined) {
    const number = Number(attributes[redriveAttributes.number]);
    const known = await changeLetter(letters, redriven, (letter) =>
      failedAgain(letter, { ...explained, number }, nowMs),
    );
    if (known) {
      deps.onArchived?.(redriven, body, cause.errorClass);
      return;
    }
  }
  const traceparent = traceparentIn(body);
  const traceId = failure?.traceId ?? (traceparent && traceIdOf(traceparent));
  const letter = newLetter({
    ...{ letterId: messageId, queue, source, kind, ...explained },
    ...{ firstSentAtMs, archivedAtMs: nowMs },
    ...(traceId !== undefined && { traceId }),
    bodies: [],
  });
  await letters.add(letter, body);
  deps.onArchived?.(messageId, body, cause.errorClass);
}

function causeOfMessage(
  kind: DeadLetterQueueOf["kind"],
  failure: Cause | undefined,
  { ERROR_CODE, ERROR_MESSAGE }: Readonly<Record<string, string>>,
): Cause {
  if (kind === "failed") return failure ?? noWord;
  const unsaid = kind === "missed" ? "the scheduler could not start a run" : "it was refused";
  return {
    errorClass: ERROR_CODE ?? (kind === "missed" ? "MissedRun" : "Undelivered"),
    message: normalise(ERROR_MESSAGE ?? unsaid),
  };
}

export function causeWithId(sha256Hex: ArchiveDeps["sha256Hex"], cause: Cause): LetterCause {
  const { errorClass, message } = cause;
  const causeId = sha256Hex(JSON.stringify([errorClass, message])).slice(0, 16);
  return { causeId, errorClass, message };
}
