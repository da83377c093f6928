import type { FunctionConfiguration } from "./configuration.ts";
import { type Environment, type EnvironmentEvents, startEnvironment } from "./environment.ts";
import type { FunctionError } from "./messages.ts";

/** The environments of one version of a function's code. */
export interface Environments {
  /** The folder of their code. */
  readonly taskRoot: string;
  /**
   * One that runs nothing, warm or new.
   * @throws InitFailed when the code does not load.
   */
  acquire(): Promise<Environment>;
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
  readonly idleMs: number;
}

export class InitFailed extends Error {
  readonly error: FunctionError;
  constructor(error: FunctionError) {
    super(`${error.errorType}: ${error.errorMessage}`);
    this.error = error;
  }
}

interface Waiting {
  run(environment: Environment): void;
  fail(error: FunctionError): void;
}

export function createEnvironments(
  { settings, variables }: FunctionConfiguration,
  deps: EnvironmentsDeps,
): Environments {
  const all = new Set<Environment>();
  /** The most recently used is last: under little load the others grow old and are ended. */
  const idle: Environment[] = [];
  const waiting: Waiting[] = [];
  let starting = 0;
  let retired = false;

  const hand = (environment: Environment) => {
    const next = waiting.shift();
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
          waiting.shift()?.fail(initError);
        }
        startIfNeeded();
      },
      onMetrics: deps.onMetrics,
    });
    all.add(environment);
  };
  const startIfNeeded = () => {
    while (waiting.length > starting && all.size < deps.maxEnvironments) start();
  };

  const reaper = setInterval(() => {
    const before = Date.now() - deps.idleMs;
    while (idle[0] !== undefined && idle[0].idleSinceMs < before) void idle.shift()?.terminate();
  }, deps.idleMs / 2).unref();

  return {
    taskRoot: settings.taskRoot,
    acquire() {
      const environment = idle.pop();
      if (environment !== undefined) return Promise.resolve(environment);
      const { promise, resolve, reject } = Promise.withResolvers<Environment>();
      waiting.push({ run: resolve, fail: (error) => reject(new InitFailed(error)) });
      startIfNeeded();
      return promise;
    },
    release(environment) {
      if (all.has(environment)) hand(environment);
    },
    waiting: () => waiting.length,
    retire() {
      retired = true;
      clearInterval(reaper);
      for (const environment of idle.splice(0)) void environment.terminate();
    },
    async stop() {
      clearInterval(reaper);
      waiting.length = 0;
      await Promise.all([...all].map((environment) => environment.terminate()));
    },
  };
}
