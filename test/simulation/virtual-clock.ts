interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Time that passes only when everything has been done that can be done now. Between two timers
 * all promises run dry, so a run depends on its seed alone, and a day costs a microsecond.
 */
export class VirtualClock {
  #nowMs: number;
  #order = 0;
  /** A binary heap: the earliest timer first, those of one moment in the order they were set. */
  readonly #timers: Timer[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.at(this.#nowMs + delayMs, resolve));
  }

  at(atMs: number, run: () => void): void {
    const timer = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, run };
    const heap = this.#timers;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(timer, heap[parent] as Timer)) break;
      heap[index] = heap[parent] as Timer;
      index = parent;
    }
    heap[index] = timer;
  }

  /** Runs until nothing is left to happen. @throws when that takes more than `maxTimers` steps. */
  async runUntilIdle(maxTimers = 2_000_000): Promise<void> {
    await settled();
    for (let steps = 0; ; steps += 1) {
      const timer = this.#next();
      if (!timer) return;
      if (steps > maxTimers) throw new Error("the world does not come to rest");
      this.#nowMs = timer.atMs;
      timer.run();
      await settled();
    }
  }

  #next(): Timer | undefined {
    const heap = this.#timers;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right && isBefore(right, heap[child] as Timer)) child += 1;
      if (!isBefore(heap[child] as Timer, last)) break;
      heap[index] = heap[child] as Timer;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Resolves when every promise that could run has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
