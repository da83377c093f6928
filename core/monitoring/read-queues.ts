import {
  type DeadLetterSources,
  deadLetterQueuesOf,
  workersOf,
} from "../contracts/dead-letter-sources.ts";
import { countOpen } from "../dead-letters/count-open.ts";
import type { LetterStore } from "../dead-letters/letter-store.ts";
import { type Pressure, stateOf } from "../pacing/pressure.ts";
import { atOnce } from "../values/at-once.ts";
import type { Clock } from "../values/time.ts";
import type { QueueFigures, QueueMetrics } from "./queue-figures.ts";

export interface QueueDepth {
  /** Those that may be received, and those that are delayed. */
  readonly waiting: number;
  readonly delayed: number;
  readonly inFlight: number;
}

interface Deps {
  readonly sources: DeadLetterSources;
  readonly depthOf: (queue: string) => Promise<QueueDepth>;
  readonly metrics: QueueMetrics;
  readonly letters: Pick<LetterStore, "lines">;
  readonly pressure: () => Promise<Pressure | undefined>;
  readonly clock: Clock;
}

const queuesAtOnce = 40;

/**
 * Every worker's queue: what waits and since when, what comes and goes, what is refused because of it,
 * and what nobody has seen to.
 */
export async function readQueues(deps: Deps) {
  const { sources, depthOf, metrics, letters, pressure, clock } = deps;
  const workers = workersOf(sources);
  const [open, figures, seen] = await Promise.all([
    countOpen(letters),
    metrics.read(workers),
    pressure().then(
      (known) => ({ known }),
      () => undefined,
    ),
  ]);
  const items = await atOnce(workers, queuesAtOnce, async (queue) => ({
    ...{ queue, carries: sources[queue], ...(await depthOf(queue)) },
    ...present(figures?.get(queue)),
    ...stateOf(queue, seen?.known, clock.nowMs()),
    deadLettersOpen: openOf(open, sources, queue),
  }));
  const others = Object.keys(sources).filter((name) => !workers.includes(name));
  return {
    items,
    schedules: others.map((name) => ({ name, deadLettersOpen: openOf(open, sources, name) })),
    missing: [
      ...(figures ? [] : ["ages and rates: CloudWatch could not be read"]),
      ...(seen ? [] : ["levels and what is refused: the last look could not be read"]),
    ],
  };
}

function present(figures: QueueFigures | undefined) {
  if (!figures) return {};
  const { measuredAtMs, ...measured } = figures;
  return { ...measured, measuredAt: new Date(measuredAtMs).toISOString() };
}

function openOf(
  open: ReadonlyMap<string, number>,
  sources: DeadLetterSources,
  source: string,
): number {
  const queues = deadLetterQueuesOf({ [source]: sources[source] ?? [] });
  return queues.reduce((sum, { queue }) => sum + (open.get(queue) ?? 0), 0);
}
