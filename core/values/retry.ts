/** Waiting and chance, passed in so that tests and the simulator can steer both. */
export interface Pacing {
  sleep(delayMs: number): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Full jitter: any delay from nothing to the exponential ceiling, so rivals spread out. */
export function backoffMs(
  attempt: number,
  { baseMs, capMs }: Backoff,
  random: () => number,
): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** attempt));
}
