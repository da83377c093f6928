import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { EventSourceMapping } from "./event-source-mapping.ts";
import type { HttpApi } from "./http/http-api.ts";
import type { Functions } from "./lambda/functions.ts";

export interface IdleOptions {
  readonly timeoutMs?: number;
}

export interface Activity {
  readonly http: HttpApi;
  readonly mappings: readonly EventSourceMapping[];
  readonly functions: Functions;
  /** Dispatches `settled` after each batch. */
  readonly activity: EventTarget;
}

const defaultTimeoutMs = 60_000;

/** Waits until no request, message of a polled queue or invocation is under way. */
export async function waitUntilIdle(
  { http, mappings, functions, activity }: Activity,
  { timeoutMs = defaultTimeoutMs }: IdleOptions = {},
): Promise<void> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const busyQueues = () =>
    mappings
      .map(({ queue }) => ({ name: queue.name, ...queue.depth() }))
      .filter(({ visible, inFlight, delayed }) => visible + inFlight + delayed > 0);
  const busyFunctions = () => functions.all().filter((lambda) => lambda.busy() > 0);
  while (http.busy() > 0 || busyQueues().length > 0 || busyFunctions().length > 0) {
    if (deadline.aborted) throw new Error(notIdle(timeoutMs, busyQueues(), busyFunctions()));
    // Batches tell when they end; requests and other invocations are looked at now and then.
    const round = new AbortController();
    const { signal } = round;
    const turns = [once(activity, "settled", { signal }), delay(20, undefined, { signal })];
    await Promise.race(turns);
    round.abort();
    await Promise.allSettled(turns);
  }
}

function notIdle(
  timeoutMs: number,
  queues: readonly { name: string; visible: number; inFlight: number; delayed: number }[],
  functions: readonly { name: string }[],
): string {
  const what = [
    ...queues.map(
      ({ name, visible, inFlight, delayed }) =>
        `${name} holds ${visible} visible, ${inFlight} in flight, ${delayed} delayed messages`,
    ),
    ...functions.map(({ name }) => `${name} runs`),
  ];
  return (
    `not idle after ${timeoutMs} ms: ${what.join("; ")}. Messages of a failed batch stay in ` +
    "flight until their visibility timeout ends; expireVisibility() ends it"
  );
}
