import { randomBytes, randomUUID } from "node:crypto";
import type { Faults } from "../faults.ts";
import type { FunctionStats } from "../stats.ts";
import type { FunctionConfiguration } from "./configuration.ts";
import { type Environment, type InvocationResult, startEnvironment } from "./environment.ts";
import type { FunctionError, PrintedMetric } from "./messages.ts";

/** Lambda's limit for a request and for a response, in bytes. */
export const maxPayloadBytes = 6 * 1_048_576;
/** More waiting than this is a sign of a loop, not of load. */
const maxWaiting = 10_000;

export interface LambdaFunction {
  readonly name: string;
  readonly arn: string;
  readonly timeoutMs: number;
  /** How many invocations can run at once here. */
  readonly concurrency: number;
  /** Invocations that run or wait. */
  busy(): number;
  invoke(payload: string, options?: InvokeOptions): Promise<InvocationOutcome>;
  /** Resolves when nothing runs or waits. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export interface InvokeOptions {
  readonly traceHeader?: string;
}

export type InvocationOutcome = InvocationResult | { readonly ok: false; readonly throttled: true };

export interface FunctionDeps {
  readonly faults: Faults;
  readonly stats: FunctionStats;
  readonly onMetrics: (metrics: readonly PrintedMetric[]) => void;
  /** What Lambda itself tells CloudWatch. */
  readonly measure: (metric: LambdaMetric, value: number) => void;
  readonly warn: (message: string) => void;
  /** Environments of one function at most: a machine has not the breadth of AWS. */
  readonly maxEnvironments: number;
  readonly idleMs: number;
}

export type LambdaMetric = "Duration" | "Errors" | "Invocations" | "Throttles";

interface Waiting {
  run(environment: Environment): void;
  fail(error: FunctionError): void;
}

const throttled = { ok: false, throttled: true } as const;

export function createFunction(
  configuration: FunctionConfiguration,
  deps: FunctionDeps,
): LambdaFunction {
  const { name, timeoutMs, reservedConcurrency = Number.POSITIVE_INFINITY } = configuration;
  const concurrency = Math.min(reservedConcurrency, deps.maxEnvironments);
  const all = new Set<Environment>();
  /** The most recently used is last: under little load the others grow old and are ended. */
  const idle: Environment[] = [];
  const waiting: Waiting[] = [];
  let starting = 0;
  let busy = 0;
  let onIdle: (() => void)[] = [];

  const hand = (environment: Environment) => {
    const next = waiting.shift();
    if (next === undefined) idle.push(environment);
    else next.run(environment);
  };

  const start = () => {
    starting += 1;
    deps.stats.coldStarts += 1;
    const environment = startEnvironment(configuration.settings, configuration.variables, {
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
    while (waiting.length > starting && all.size < concurrency) start();
  };

  const acquire = (): Promise<Environment> => {
    const environment = idle.pop();
    if (environment !== undefined) return Promise.resolve(environment);
    const { promise, resolve, reject } = Promise.withResolvers<Environment>();
    waiting.push({ run: resolve, fail: (error) => reject(new InitFailed(error)) });
    startIfNeeded();
    return promise;
  };

  const run = async (payload: string, options: InvokeOptions): Promise<InvocationOutcome> => {
    const fault = deps.faults.onInvocation(name);
    if (fault?.kind === "throttle") return throttled;
    let environment: Environment;
    try {
      environment = await acquire();
    } catch (error) {
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
    deps.measure("Duration", performance.now() - startedAtMs);
    // An environment that died took itself off the list.
    if (all.has(environment) && isReusable(result)) hand(environment);
    return result;
  };

  const reaper = setInterval(() => {
    const before = Date.now() - deps.idleMs;
    while (idle[0] !== undefined && idle[0].idleSinceMs < before) void idle.shift()?.terminate();
  }, deps.idleMs / 2).unref();

  return {
    name,
    arn: configuration.arn,
    timeoutMs,
    concurrency,
    busy: () => busy,
    async invoke(payload, options = {}) {
      if (busy >= reservedConcurrency || waiting.length >= maxWaiting) {
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
    async stop() {
      clearInterval(reaper);
      waiting.length = 0;
      await Promise.all([...all].map((environment) => environment.terminate()));
    },
  };
}

const tooLarge: FunctionError = {
  errorType: "RequestEntityTooLargeException",
  errorMessage: `Request must be smaller than ${maxPayloadBytes} bytes for the InvokeFunction operation`,
};

class InitFailed extends Error {
  readonly error: FunctionError;
  constructor(error: FunctionError) {
    super(error.errorMessage);
    this.error = error;
  }
}

/** Errors of the runtime end the environment; errors that a handler throws do not. */
function isReusable(result: InvocationResult): boolean {
  return result.ok || !/^(Runtime\.|Sandbox\.|ERR_WORKER)/.test(result.error.errorType);
}

function report(name: string, outcome: InvocationOutcome, logFile: string, deps: FunctionDeps) {
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
