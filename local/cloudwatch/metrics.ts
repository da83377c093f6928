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
    slotsIn: (seconds) => Math.max(1, Math.round((seconds / 60) * slotsPerMinute)),
    pace: 60_000 / minuteMs,
  };
}

/** What is measured here. Only what an alarm watches is remembered. */
export interface Metrics {
  /** @param unit ages in `Seconds` grow as fast as the alarms' time passes; durations don't. */
  record(metric: MetricId, value: number, unit?: string): void;
  watch(metric: MetricId): Series;
}

export function createMetrics(minutes: CloudMinutes): Metrics {
  const watched = new Map<string, Series>();
  return {
    record(metric, value, unit) {
      const series = watched.get(keyOf(metric));
      if (series === undefined) return;
      series.record(unit === "Seconds" ? value * minutes.pace : value, minutes.slotAt(Date.now()));
    },
    watch(metric) {
      const key = keyOf(metric);
      const series = watched.get(key) ?? createSeries();
      watched.set(key, series);
      return series;
    },
  };
}

function keyOf({ namespace, name, dimensions }: MetricId): string {
  const names = Object.keys(dimensions).sort();
  return `${namespace}\n${name}\n${names.map((one) => `${one}=${dimensions[one]}`).join("\n")}`;
}
