/**
 * Where dead letters come from, by name: a worker and the events that its queue carries, a schedule's
 * function, or the schedules that put events on the bus later.
 */
export type DeadLetterSources = Readonly<
  Record<string, readonly string[] | "schedule" | "deferral">
>;

/** `failed`: by a worker, time and again; `undelivered`: by EventBridge; `missed`: a schedule's run. */
export type LetterKind = "failed" | "undelivered" | "missed";

export interface DeadLetterQueueOf {
  readonly queue: string;
  readonly source: string;
  readonly kind: LetterKind;
}

export const queueOfKind = {
  failed: (source: string) => `${source}-dead-letters`,
  undelivered: (source: string) => `${source}-undelivered`,
  missed: (source: string) => `${source}-missed-runs`,
} as const satisfies Record<LetterKind, (source: string) => string>;

export function deadLetterQueuesOf(sources: DeadLetterSources): DeadLetterQueueOf[] {
  return Object.entries(sources).flatMap(([source, what]) => {
    const kinds: readonly LetterKind[] =
      what === "schedule" ? ["missed"] : what === "deferral" ? ["undelivered"] : bothOfWorker;
    return kinds.map((kind) => ({ queue: queueOfKind[kind](source), source, kind }));
  });
}

/** Names of all workers, which are those of their queues. */
export function workersOf(sources: DeadLetterSources): string[] {
  return Object.keys(sources).filter((name) => typeof sources[name] === "object");
}

const bothOfWorker = ["failed", "undelivered"] as const;

/** The metric of letters that nobody has seen to, by queue. */
export const deadLettersOpen = "DeadLettersOpen";
