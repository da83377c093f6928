/** `p50 1.2 ms  p90 3.4 ms  p99 5.6 ms`, of times in milliseconds. */
export function percentilesOf(timesMs: readonly number[]): string {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(1);
  return [50, 90, 99].map((percent) => `p${percent} ${at(percent / 100)} ms`).join("  ");
}

export const meanOf = (timesMs: readonly number[]): number =>
  timesMs.reduce((sum, ms) => sum + ms, 0) / timesMs.length;
