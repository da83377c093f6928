import { createSeries, type Series } from "./series.ts";

export type Dimensions = Readonly<Record<string, string>>;

export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Dimensions;
}

/**
 * CloudWatch's time on this machine. Alarms count in minutes; a minute may last less here, so that
 * one can watch in seconds how they ring and are over.
 */
export interface CloudMinutes {
  readonly minuteMs: number;
  /** A slot is a sixth of a minute: as often are levels read and alarms evaluated. */
  readonly slotMs: number;
  slotAt(epochMs: number): number;
  slotsIn(seconds: number): number;
  /** The other way round: when a slot begins. */
  startOf(slot: number): number;
  /** How much time seems to pass in a second. */
  readonly pace: number;
}

const slotsPerMinute = 6;

export function cloudMinutes(minuteMs: number): CloudMinutes {
  const slotMs = minuteMs / slotsPerMinute;
  return {
    minuteMs,
    slotMs,
    slotAt: (epochMs) => Math.floor(epochMs / slotMs),
    startOf: (slot) => slot * slotMs,
    slotsIn: (seconds) => Math.max(1, Math.round((seconds / 60) * slotsPerMinute)),
    pace: 60_000 / minuteMs,
  };
}

/** So many minutes of every metric are remembered, and more where an alarm looks back farther. */
export const rememberedMinutes = 15;

/** What is measured here. */
export interface Metrics {
  /** @param unit ages in `Seconds` grow as fast as the alarms' time passes; durations don't. */
  record(metric: MetricId, value: number, unit?: string): void;
  watch(metric: MetricId): Series;
}

export function createMetrics(minutes: CloudMinutes): Metrics {
  const all = new Map<string, Series>();
  const leastSlots = rememberedMinutes * slotsPerMinute;
  const watch = (metric: MetricId) => {
    const key = keyOf(metric);
    const series = all.get(key) ?? createSeries(leastSlots);
    all.set(key, series);
    return series;
  };
  return {
    record(metric, value, unit) {
      const seen = unit === "Seconds" ? value * minutes.pace : value;
      watch(metric).record(seen, minutes.slotAt(Date.now()));
    },
    watch,
  };
}

function keyOf({ namespace, name, dimensions }: MetricId): string {
  const names = Object.keys(dimensions).sort();
  return `${namespace}\n${name}\n${names.map((one) => `${one}=${dimensions[one]}`).join("\n")}`;
}
