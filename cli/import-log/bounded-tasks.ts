export interface BoundedTasks {
  /** Starts the task when fewer than `limit` run; resolves as soon as it has started. */
  start(task: () => Promise<void>): Promise<void>;
  /** Resolves when all have ended. @throws the first error of any. */
  finish(): Promise<void>;
}

/** Runs tasks side by side, at most `limit`. After one failed, the next `start` throws its error. */
export function boundedTasks(limit: number): BoundedTasks {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const check = () => {
    if (failures.length > 0) throw failures[0];
  };
  return {
    async start(task) {
      while (running.size >= limit) await Promise.race(running);
      check();
      const run: Promise<void> = task()
        .catch((error) => void failures.push(error))
        .finally(() => running.delete(run));
      running.add(run);
    },
    async finish() {
      await Promise.all(running);
      check();
    },
  };
}

/** The same function, at most `limit` calls of it at work; further ones wait in order. */
export function limited<Input, Output>(
  limit: number,
  call: (input: Input) => Promise<Output>,
): (input: Input) => Promise<Output> {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (input) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await call(input);
    } finally {
      // The place goes straight to the next in line, or a newcomer would overtake it.
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
