import { Problem } from "../perimeter/problem.ts";
import { cutToBytes } from "../values/text.ts";

/** Why deliveries fail, said once for all that fail in the same way. */
export interface Cause {
  readonly errorClass: string;
  /** Without what differs from message to message, and without anybody's data. */
  readonly message: string;
}

/** Why one delivery failed, noted when it did: its dead letter is explained by it. */
export interface Failure extends Cause {
  readonly messageId: string;
  readonly worker: string;
  /** How often the message had been received. */
  readonly attempt: number;
  readonly traceId?: string;
  readonly atMs: number;
}

/** Remembers each message's latest failure, longer than its queues keep it. */
export interface FailureLog {
  record(failures: readonly Failure[]): Promise<void>;
  read(messageId: string): Promise<Failure | undefined>;
}

const maxMessageBytes = 300;

/** A worker that was killed, hung or ran out of time can say nothing. */
export const noWord: Cause = {
  errorClass: "NoWord",
  message: "no attempt said why it failed: the worker was killed, hung or ran out of time",
};

export function causeOf(error: unknown): Cause {
  if (error instanceof Problem) {
    return { errorClass: `Problem ${error.status} ${error.code}`, message: normalise(error.title) };
  }
  if (error instanceof Error) {
    return { errorClass: cutToBytes(error.name, 100), message: normalise(error.message) };
  }
  return { errorClass: typeof error, message: normalise(String(error)) };
}

/**
 * A message without ids, numbers, quotations and addresses: what is left is the same for every
 * message that failed for the same reason, and says nothing of a person.
 */
export function normalise(message: string): string {
  const plain = message
    .slice(0, 4_000)
    .replaceAll(/\s+/g, " ")
    .replaceAll(/"[^"]*"|'[^']*'|`[^`]*`|“[^”]*”/g, "…")
    .replaceAll(/\b[a-z]+:\/\/\S+/gi, "…")
    .replaceAll(/[^\s<>@]+@[^\s<>@]+/g, "…")
    .replaceAll(/\b[0-9a-f]{8}[0-9a-f-]*\b/gi, "#")
    .replaceAll(/\d+/g, "#")
    .trim();
  return cutToBytes(plain, maxMessageBytes);
}
