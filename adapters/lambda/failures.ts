import { logger } from "./logger.ts";

/** Errors of the batch that is being worked on, by message; an environment has one at a time. */
const noted = new Map<string, unknown>();

/** Logs why a delivery failed, under `what`, and notes it for whoever writes down what became of it. */
export function failing(what: string) {
  return (id: string, error: unknown): void => {
    logger.error(what, { id, error: error as Error });
    noteFailure(id, error);
  };
}

export function noteFailure(messageId: string, error: unknown): void {
  noted.set(messageId, error);
}

export function failureOf(messageId: string): unknown {
  return noted.get(messageId);
}

export function forgetFailures(): void {
  noted.clear();
}
