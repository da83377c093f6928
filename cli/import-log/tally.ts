export interface TallyLine {
  readonly reason: string;
  readonly count: number;
  /** One thing that it happened to, when that was told. */
  readonly example?: string;
}

/** How often each reason came up; the number of different reasons it holds is bounded. */
export interface Tally {
  add(reason: string, example?: string): void;
  total(): number;
  /** Most frequent first. */
  lines(): readonly TallyLine[];
}

const maxReasons = 100;

export function tally(): Tally {
  const counts = new Map<string, { count: number; example: string | undefined }>();
  let total = 0;
  return {
    add(reason, example) {
      total += 1;
      // Reasons from a server may quote what they refuse, and then each is different.
      const key = counts.has(reason) || counts.size < maxReasons ? reason : "other reasons";
      const entry = counts.get(key) ?? { count: 0, example };
      entry.count += 1;
      counts.set(key, entry);
    },
    total: () => total,
    lines: () =>
      [...counts]
        .map(([reason, { count, example }]) => ({
          reason,
          count,
          ...(example === undefined ? {} : { example }),
        }))
        .sort((a, b) => b.count - a.count),
  };
}
