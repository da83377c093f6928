import type { Context } from "aws-lambda";

/** A table call begun just before the deadline may take nine seconds to fail. */
const answerMarginMs = 12_000;

/** When to stop, ms since the epoch, so that there is time left to say what was done. */
export function deadlineOf(context: Context): number {
  return Date.now() + context.getRemainingTimeInMillis() - answerMarginMs;
}
