import type { FunctionConfiguration } from "./configuration.ts";
import { type Environment, type EnvironmentEvents, startEnvironment } from "./environment.ts";
import type { FunctionError } from "./messages.ts";

/** The environments of one version of a function's code. */
export interface Environments {
  /** The folder of their code. */
  readonly taskRoot: string;
  /**
   * One that runs nothing, warm or new.
   * @param over ends the wait for one.
   * @throws InitFailed when the code does not load; Abandoned when the wait ended before.
   */
  acquire(over?: AbortSignal): Promise<Environment>;
  /** Gives one back that may run again; one that died has taken itself off. */
  release(environment: Environment): void;
  /** How many wait for one. */
  waiting(): number;
  /** For code that others take over from: ends each as soon as nothing runs or waits here. */
  retire(): void;
  stop(): Promise<void>;
}

export interface EnvironmentsDeps extends Pick<EnvironmentEvents, "onMetrics"> {
  readonly onColdStart: () => void;
  readonly maxEnvironments: number;
  /**
   * With that many, one more is started whenever none came free for a second: those that are busy
   * wait for something else, and need no processor.
   */
  readonly maxWhileBlocked: number;
  readonly idleMs: number;
}

export class InitFailed extends Error {
  readonly error: FunctionError;
  constructor(error: FunctionError) {
    super(`${error.errorType}: ${error.errorMessage}`);
    this.error = error;
  }
}

/** Nobody waits for the invocation any more, and it has not begun. */
export class Abandoned extends Error {}

const blockedAfterMs = 1_000;

interface Waiting {
  run(environment: Environment): void;
  fail(error: Error): void;
}

export function createEnvironments(
  { settings, variables }: FunctionConfiguration,
  deps: EnvironmentsDeps,
): Environments {
  const all = new Set<Environment>();
  /** The most recently used is last: under little load the others grow old and are ended. */
  const idle: Environment[] = [];
  const waiting = new Set<Waiting>();
  let starting = 0;
  let retired = false;
  let stopped = false;

  /** Who waits longest. */
  const shift = (): Waiting | undefined => {
    const [first] = waiting;
    if (first !== undefined) waiting.delete(first);
    return first;
  };
  const hand = (environment: Environment) => {
    const next = shift();
    watchForBlock();
    if (next !== undefined) next.run(environment);
    else if (retired) void environment.terminate();
    else idle.push(environment);
  };

  const start = () => {
    starting += 1;
    deps.onColdStart();
    const environment = startEnvironment(settings, variables, {
      onReady() {
        starting -= 1;
        hand(environment);
      },
      onGone(initError) {
        all.delete(environment);
        const index = idle.indexOf(environment);
        if (index !== -1) idle.splice(index, 1);
        if (initError !== undefined) {
          starting -= 1;
          shift()?.fail(new InitFailed(initError));
        }
        startIfNeeded();
      },
      onMetrics: deps.onMetrics,
    });
    all.add(environment);
  };
  const startIfNeeded = () => {
    while (!stopped && waiting.size > starting && all.size < deps.maxEnvironments) start();
  };
  let blocked: NodeJS.Timeout | undefined;
  /** From when the first one waits, or an environment came free, until the next one does. */
  const watchForBlock = () => {
    clearTimeout(blocked);
    if (waiting.size === 0) return;
    blocked = setTimeout(() => {
      const room = all.size < deps.maxWhileBlocked;
      if (waiting.size > 0 && starting === 0 && room) start();
      watchForBlock();
    }, blockedAfterMs);
  };

  const reaper = setInterval(() => {
    const before = Date.now() - deps.idleMs;
    while (idle[0] !== undefined && idle[0].idleSinceMs < before) void idle.shift()?.terminate();
  }, deps.idleMs / 2).unref();

  return {
    taskRoot: settings.taskRoot,
    acquire(over) {
      if (stopped || over?.aborted) return Promise.reject(new Abandoned());
      const environment = idle.pop();
      if (environment !== undefined) return Promise.resolve(environment);
      const { promise, resolve, reject } = Promise.withResolvers<Environment>();
      const giveUp = () => {
        if (waiting.delete(one)) reject(new Abandoned());
      };
      const one: Waiting = {
        run(environment) {
          over?.removeEventListener("abort", giveUp);
          resolve(environment);
        },
        fail: reject,
      };
      over?.addEventListener("abort", giveUp);
      waiting.add(one);
      if (waiting.size === 1) watchForBlock();
      startIfNeeded();
      return promise;
    },
    release(environment) {
      if (all.has(environment)) hand(environment);
    },
    waiting: () => waiting.size,
    retire() {
      retired = true;
      clearInterval(reaper);
      for (const environment of idle.splice(0)) void environment.terminate();
    },
    async stop() {
      stopped = true;
      clearInterval(reaper);
      clearTimeout(blocked);
      for (const one of waiting) one.fail(new Abandoned());
      waiting.clear();
      await Promise.all([...all].map((environment) => environment.terminate()));
    },
  };
}
