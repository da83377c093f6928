import { randomBytes, randomUUID } from "node:crypto";
import type { Faults } from "../faults.ts";
import type { FunctionStats } from "../stats.ts";
import { type FunctionConfiguration, withCode } from "./configuration.ts";
import type { Environment, InvocationResult } from "./environment.ts";
import { Abandoned, createEnvironments, type Environments, InitFailed } from "./environments.ts";
import type { FunctionError, PrintedMetric } from "./messages.ts";
import { type Candidate, createTraffic } from "./traffic.ts";

/** Lambda's limit for a request and for a response, in bytes. */
export const maxPayloadBytes = 6 * 1_048_576;
/** Longer than Lambda itself gives to code that loads: machines are shared. */
const maxInitMs = 30_000;
/** More waiting than this is a sign of a loop, not of load. */
const maxWaiting = 10_000;

export interface LambdaFunction {
  readonly name: string;
  readonly arn: string;
  readonly timeoutMs: number;
  /** How many invocations can run at once here, if they are busy. */
  readonly concurrency: number;
  /** The folder of the code that serves. */
  taskRoot(): string;
  /** Invocations that run or wait. */
  busy(): number;
  invoke(payload: string, options?: InvokeOptions): Promise<InvocationOutcome>;
  /** Resolves when nothing runs or waits. */
  drain(): Promise<void>;
  /**
   * Loads other code beside the running one, which goes on serving; one such at a time.
   * @param taskRoot its bundle: a folder that stays as it is.
   * @throws when it does not load.
   */
  prepare(taskRoot: string): Promise<Candidate>;
  /** Ends what runs and abandons what waits or comes. */
  stop(): Promise<void>;
}

export interface InvokeOptions {
  readonly traceHeader?: string;
  /** Nobody waits for the answer any more: what has not begun never does. What runs goes on. */
  readonly over?: AbortSignal | undefined;
}

export type InvocationOutcome =
  | InvocationResult
  | { readonly ok: false; readonly throttled: true }
  /** It never began, or was ended because the cloud stops. */
  | { readonly ok: false; readonly abandoned: true };

export interface FunctionDeps {
  readonly faults: Faults;
  readonly stats: FunctionStats;
  readonly onMetrics: (metrics: readonly PrintedMetric[]) => void;
  /** What Lambda itself tells CloudWatch. */
  readonly measure: (metric: LambdaMetric, value: number) => void;
  readonly warn: (message: string) => void;
  /** Environments of one function that are busy at most: a machine has not the breadth of AWS. */
  readonly maxEnvironments: number;
  /** And with those that wait for something else, such as a long poll. */
  readonly maxWhileBlocked: number;
  readonly idleMs: number;
}

export type LambdaMetric = "Duration" | "Errors" | "Invocations" | "Throttles";

const throttled = { ok: false, throttled: true } as const;
const abandoned = { ok: false, abandoned: true } as const;

export function createFunction(
  configuration: FunctionConfiguration,
  deps: FunctionDeps,
): LambdaFunction {
  const { name, timeoutMs, reservedConcurrency = Number.POSITIVE_INFINITY } = configuration;
  const concurrency = Math.min(reservedConcurrency, deps.maxEnvironments);
  const environmentsOf = (code: FunctionConfiguration) => {
    const environments = createEnvironments(code, {
      ...{ maxEnvironments: concurrency, idleMs: deps.idleMs, onMetrics: deps.onMetrics },
      maxWhileBlocked: Math.min(reservedConcurrency, deps.maxWhileBlocked),
      onColdStart: () => {
        deps.stats.coldStarts += 1;
      },
    });
    all.add(environments);
    return environments;
  };
  /** Of every version of the code: invocations under way finish on the one they began on. */
  const all = new Set<Environments>();
  const traffic = createTraffic(environmentsOf(configuration));
  let busy = 0;
  let stopped = false;
  let onIdle: (() => void)[] = [];

  const run = async (payload: string, options: InvokeOptions): Promise<InvocationOutcome> => {
    const fault = deps.faults.onInvocation(name);
    if (fault?.kind === "throttle") return throttled;
    const environments = traffic.next();
    let environment: Environment;
    try {
      environment = await environments.acquire(options.over);
    } catch (error) {
      if (error instanceof Abandoned) {
        // Counted when it came, and it never began.
        deps.stats.invocations -= 1;
        return abandoned;
      }
      if (error instanceof InitFailed) return { ok: false, error: error.error };
      throw error;
    }
    if (fault?.kind === "kill-before") {
      await environment.terminate();
      const errorMessage = "Runtime exited with error: killed by a fault";
      return { ok: false, error: { errorType: "Runtime.ExitError", errorMessage } };
    }
    const startedAtMs = performance.now();
    const result = await environment.invoke(
      {
        requestId: randomUUID(),
        payload,
        timeoutMs,
        traceHeader: options.traceHeader ?? newTraceHeader(),
        ...(fault?.kind === "kill-at-call" && { killAtCall: fault }),
        ...(fault?.kind === "hang" && { hangMs: fault.ms }),
      },
      fault?.kind === "kill-after" ? { killAfterMs: fault.ms } : undefined,
    );
    if (stopped && !result.ok) return abandoned;
    deps.measure("Duration", performance.now() - startedAtMs);
    if (isReusable(result)) environments.release(environment);
    return result;
  };

  return {
    name,
    arn: configuration.arn,
    timeoutMs,
    concurrency,
    taskRoot: () => traffic.live().taskRoot,
    busy: () => busy,
    async invoke(payload, options = {}) {
      if (busy >= reservedConcurrency || traffic.live().waiting() >= maxWaiting) {
        deps.stats.throttles += 1;
        deps.measure("Throttles", 1);
        return throttled;
      }
      if (payload.length * 3 > maxPayloadBytes && Buffer.byteLength(payload) > maxPayloadBytes) {
        return { ok: false, error: tooLarge };
      }
      busy += 1;
      deps.stats.invocations += 1;
      try {
        const outcome = await run(payload, options);
        report(name, outcome, configuration.settings.logFile, deps);
        return outcome;
      } finally {
        busy -= 1;
        if (busy === 0) {
          for (const resolve of onIdle) resolve();
          onIdle = [];
        }
      }
    },
    drain() {
      if (busy === 0) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      onIdle.push(resolve);
      return promise;
    },
    async prepare(taskRoot) {
      const environments = environmentsOf(withCode(configuration, taskRoot));
      const candidate = traffic.offer(environments);
      try {
        environments.release(await inTime(environments.acquire()));
        return candidate;
      } catch (error) {
        candidate.withdraw();
        await environments.stop();
        throw error;
      }
    },
    async stop() {
      stopped = true;
      await Promise.all([...all].map((environments) => environments.stop()));
    },
  };
}

/** The result, unless the code takes too long to load. */
async function inTime(loading: Promise<Environment>): Promise<Environment> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const seconds = maxInitMs / 1_000;
  const timer = setTimeout(() => reject(new Error(`not loaded after ${seconds} s`)), maxInitMs);
  try {
    return await Promise.race([loading, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

const tooLarge: FunctionError = {
  errorType: "RequestEntityTooLargeException",
  errorMessage: `Request must be smaller than ${maxPayloadBytes} bytes for the InvokeFunction operation`,
};

/** Errors of the runtime end the environment; errors that a handler throws do not. */
function isReusable(result: InvocationResult): boolean {
  return result.ok || !/^(Runtime\.|Sandbox\.|ERR_WORKER)/.test(result.error.errorType);
}

function report(name: string, outcome: InvocationOutcome, logFile: string, deps: FunctionDeps) {
  if ("abandoned" in outcome) {
    deps.stats.abandoned += 1;
    return;
  }
  if ("throttled" in outcome) {
    deps.stats.throttles += 1;
    deps.measure("Throttles", 1);
    return;
  }
  deps.measure("Invocations", 1);
  deps.measure("Throttles", 0);
  deps.measure("Errors", outcome.ok ? 0 : 1);
  if (outcome.ok) return;
  deps.stats.errors += 1;
  const { errorType, errorMessage, trace } = outcome.error;
  const where = trace?.find((line) => line.trim().startsWith("at "))?.trim() ?? "";
  deps.warn(`${name} failed: ${errorType}: ${errorMessage} ${where} (see ${logFile})`);
}

/** As X-Ray writes it; not sampled, since no daemon listens. */
export function newTraceHeader(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  return `Root=1-${seconds}-${randomBytes(12).toString("hex")};Sampled=0`;
}
