import { type DeadLetterSources, deadLetterQueuesOf } from "../contracts/dead-letter-sources.ts";
import { atOnce } from "../values/at-once.ts";
import { countOpen } from "./count-open.ts";
import type { LetterStore } from "./letter-store.ts";

export interface QueueLevel {
  readonly waiting: number;
  readonly inFlight: number;
}

interface Deps {
  readonly sources: DeadLetterSources;
  readonly levelOf: (queue: string) => Promise<QueueLevel>;
  readonly letters: Pick<LetterStore, "lines">;
}

const queuesAtOnce = 40;

/** Every worker's queue: what waits, what is worked on, and what nobody has seen to. */
export async function readQueues({ sources, levelOf, letters }: Deps) {
  const workers = Object.entries(sources).filter(([, what]) => typeof what === "object");
  const open = await countOpen(letters);
  const items = await atOnce(workers, queuesAtOnce, async ([queue, carries]) => ({
    ...{ queue, carries, ...(await levelOf(queue)) },
    deadLettersOpen: openOf(open, sources, queue),
  }));
  const others = Object.keys(sources).filter((name) => typeof sources[name] !== "object");
  return {
    items,
    schedules: others.map((name) => ({ name, deadLettersOpen: openOf(open, sources, name) })),
  };
}

function openOf(
  open: ReadonlyMap<string, number>,
  sources: DeadLetterSources,
  source: string,
): number {
  const queues = deadLetterQueuesOf({ [source]: sources[source] ?? [] });
  return queues.reduce((sum, { queue }) => sum + (open.get(queue) ?? 0), 0);
}
