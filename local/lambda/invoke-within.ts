import type { InvocationOutcome, InvokeOptions, LambdaFunction } from "./function.ts";

export interface Within extends Pick<InvokeOptions, "traceHeader"> {
  /** How long a gateway waits for the answer. */
  readonly timeoutMs: number;
  /** The client has left. */
  readonly gone?: AbortSignal | undefined;
}

/**
 * Invokes a function for a client that waits. Once the client has left or the gateway has given up,
 * an invocation that has not begun never does: there is nobody to answer.
 */
export async function invokeWithin(
  lambda: LambdaFunction,
  payload: string,
  { timeoutMs, gone, traceHeader }: Within,
): Promise<InvocationOutcome | "timeout"> {
  const over = new AbortController();
  const timeout = Promise.withResolvers<"timeout">();
  const leave = () => over.abort();
  const timer = setTimeout(() => {
    timeout.resolve("timeout");
    over.abort();
  }, timeoutMs);
  gone?.addEventListener("abort", leave);
  if (gone?.aborted) leave();
  try {
    const options = { over: over.signal, ...(traceHeader !== undefined && { traceHeader }) };
    return await Promise.race([lambda.invoke(payload, options), timeout.promise]);
  } finally {
    clearTimeout(timer);
    gone?.removeEventListener("abort", leave);
  }
}
