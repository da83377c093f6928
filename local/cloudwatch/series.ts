/** Reads one number out of what a metric recorded in some slots; undefined if that is nothing. */
export type Statistic = (buckets: readonly Bucket[]) => number | undefined;

/** What was recorded in one slot of time: enough for every statistic, whatever came. */
export interface Bucket {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** How many values were about this large: a hundredth more or less does not matter to a percentile. */
  readonly histogram: ReadonlyMap<number, number>;
}

/** One metric under one set of dimensions, as far back as somebody may look. */
export interface Series {
  record(value: number, slot: number): void;
  /** Of the slots from `from` to `to`, both included. */
  read(statistic: Statistic, from: number, to: number): number | undefined;
  /** Remembers at least so many slots from now on. */
  keep(slots: number): void;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type OpenBucket = Mutable<Omit<Bucket, "histogram">> & { readonly histogram: Map<number, number> };

export function createSeries(leastSlots = 1): Series {
  const buckets = new Map<number, OpenBucket>();
  let keptSlots = leastSlots;
  return {
    record(value, slot) {
      let bucket = buckets.get(slot);
      if (bucket === undefined) {
        bucket = { count: 0, sum: 0, min: value, max: value, histogram: new Map() };
        buckets.set(slot, bucket);
        for (const old of buckets.keys()) {
          if (old > slot - keptSlots) break;
          buckets.delete(old);
        }
      }
      bucket.count += 1;
      bucket.sum += value;
      bucket.min = Math.min(bucket.min, value);
      bucket.max = Math.max(bucket.max, value);
      const step = stepOf(value);
      bucket.histogram.set(step, (bucket.histogram.get(step) ?? 0) + 1);
    },
    read(statistic, from, to) {
      const within = [...buckets].filter(([slot]) => slot >= from && slot <= to);
      return within.length === 0 ? undefined : statistic(within.map(([, bucket]) => bucket));
    },
    keep(slots) {
      keptSlots = Math.max(keptSlots, slots);
    },
  };
}

const total = (buckets: readonly Bucket[], of: "count" | "sum") =>
  buckets.reduce((sum, bucket) => sum + bucket[of], 0);

const statistics: Readonly<Record<string, Statistic>> = {
  Sum: (buckets) => total(buckets, "sum"),
  SampleCount: (buckets) => total(buckets, "count"),
  Average: (buckets) => total(buckets, "sum") / total(buckets, "count"),
  Minimum: (buckets) => Math.min(...buckets.map(({ min }) => min)),
  Maximum: (buckets) => Math.max(...buckets.map(({ max }) => max)),
};

/** `Sum`, `Maximum`, `p99` …; @throws for a statistic that is not implemented, by its name. */
export function parseStatistic(name: string): Statistic {
  const [, percent] = /^p(\d{1,3}(?:\.\d+)?)$/.exec(name) ?? [];
  if (percent !== undefined) return percentile(Number(percent) / 100);
  const statistic = statistics[name];
  if (statistic === undefined) throw new Error(`the statistic ${name} is not implemented`);
  return statistic;
}

function percentile(part: number): Statistic {
  return (buckets) => {
    const counts = new Map<number, number>();
    for (const { histogram } of buckets) {
      for (const [step, count] of histogram) counts.set(step, (counts.get(step) ?? 0) + count);
    }
    let left = Math.max(1, Math.ceil(part * total(buckets, "count")));
    for (const step of [...counts.keys()].sort((a, b) => a - b)) {
      left -= counts.get(step) ?? 0;
      if (left <= 0) return step === noStep ? 0 : stepWidth ** step;
    }
    return undefined;
  };
}

const stepWidth = 1.01;
/** Zero, and what is below it, is no power of anything. */
const noStep = Number.NEGATIVE_INFINITY;

function stepOf(value: number): number {
  return value > 0 ? Math.round(Math.log(value) / Math.log(stepWidth)) : noStep;
}
