import type { ArticleGroup } from "../registry/article-group.ts";
import type { Clock } from "../values/time.ts";
import type { Registry } from "./decide-engagement.ts";
import { readerDayIn, readerDayOn } from "./impression-key.ts";
import { poolDayOf } from "./pool-day.ts";
import { notePresentedAgain, type Presented } from "./presented-again.ts";
import { ReaderDays } from "./reader-days.ts";
import type { ReaderHistory } from "./reader-history.ts";

interface Deps {
  readonly history: ReaderHistory;
  readonly clock: Clock;
  /** How long after its end a pool's day stays open for what comes late. */
  readonly poolOpenMs: number;
}

type Histories = Awaited<ReturnType<ReaderHistory["read"]>>;

/** What these readers did before, with what this batch shows of view tokens presented again. */
export async function readReaders(
  deps: Deps,
  { groups }: Pick<Registry, "groups">,
  presented: readonly Presented[],
  open: readonly Presented[],
): Promise<{ readers: ReaderDays; histories: Histories }> {
  const hasPools = [...groups.values()].some(isPool);
  const days = new Set(open.map(({ key }) => readerDayIn(key)));
  for (const { key, engagement } of open) {
    // What is late for its own pool day uses the weight of the current one.
    const poolDay = poolDayOf(engagement.occurredAtMs, deps.clock.nowMs(), deps.poolOpenMs);
    if (hasPools) days.add(readerDayOn(readerDayIn(key), poolDay));
  }
  const histories = await deps.history.read([...days]);
  const readers = new ReaderDays(histories);
  const again = await notePresentedAgain(
    { history: deps.history, nowMs: deps.clock.nowMs() },
    presented,
    histories,
  );
  for (const [day, presentations] of again) readers.setPresentations(day, presentations);
  return { readers, histories };
}

function isPool({ versions }: ArticleGroup): boolean {
  return versions.some(({ model }) => model === "pool");
}
