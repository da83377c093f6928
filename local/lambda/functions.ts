import { mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Metrics } from "../cloudwatch/metrics.ts";
import type { Faults } from "../faults.ts";
import { functionStats, type Stats } from "../stats.ts";
import type { Resource } from "../templates/resources.ts";
import { readFunction, type Surroundings } from "./configuration.ts";
import { createFunction, type LambdaFunction } from "./function.ts";
import type { PrintedMetric } from "./messages.ts";

export interface Functions {
  /** By name or ARN. */
  get(nameOrArn: string): LambdaFunction;
  all(): readonly LambdaFunction[];
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export interface FunctionsDeps {
  readonly faults: Faults;
  readonly stats: Stats;
  readonly metrics: Metrics;
  readonly warn: (message: string) => void;
}

const idleMs = 60_000;
/** More threads than this do not fit into the memory of a small machine. */
const maxWhileBlocked = 24;
const longLogBytes = 32 * 1_048_576;

export function createFunctions(
  resources: readonly Resource[],
  around: Surroundings,
  deps: FunctionsDeps,
): Functions {
  mkdirSync(around.logs, { recursive: true });
  setLongLogsAside(around.logs);
  const maxEnvironments = Math.min(10, Math.max(4, availableParallelism() * 2));
  const byName = new Map<string, LambdaFunction>();
  for (const resource of resources) {
    const configuration = readFunction(resource, around);
    const lambda = createFunction(configuration, {
      faults: deps.faults,
      stats: functionStats(deps.stats, configuration.name),
      warn: deps.warn,
      onMetrics(metrics) {
        for (const metric of metrics) recordPrinted(metric, deps);
      },
      measure(name, value) {
        const dimensions = { FunctionName: configuration.name };
        deps.metrics.record({ namespace: "AWS/Lambda", name, dimensions }, value);
      },
      maxEnvironments,
      maxWhileBlocked,
      idleMs,
    });
    byName.set(configuration.name, lambda);
  }
  return {
    get(nameOrArn) {
      // arn:aws:lambda:region:account:function:name, or with :qualifier.
      const name = nameOrArn.startsWith("arn:") ? nameOrArn.split(":")[6] : nameOrArn;
      const lambda = byName.get(name ?? "");
      if (lambda !== undefined) return lambda;
      throw new Error(`there is no function ${nameOrArn}; there are ${[...byName.keys()]}`);
    },
    all: () => [...byName.values()],
    async drain() {
      await Promise.all([...byName.values()].map((lambda) => lambda.drain()));
    },
    async stop() {
      await Promise.all([...byName.values()].map((lambda) => lambda.stop()));
    },
  };
}

function recordPrinted(
  { namespace, name, unit, values, dimensionSets }: PrintedMetric,
  { metrics, stats }: FunctionsDeps,
): void {
  for (const value of values) {
    stats.metrics[name] = (stats.metrics[name] ?? 0) + value;
    for (const dimensions of dimensionSets) {
      metrics.record({ namespace, name, dimensions }, value, unit);
    }
  }
}

/** The function that an integration or authorizer of API Gateway names. */
export function functionArn(uri: string): string {
  // Also arn:aws:apigateway:region:lambda:path/2015-03-31/functions/<arn>/invocations.
  return /functions\/(arn:.*)\/invocations$/.exec(uri)?.[1] ?? uri;
}

/** Logs are appended to at every start; a long one begins anew, beside one older copy. */
function setLongLogsAside(directory: string): void {
  for (const name of readdirSync(directory)) {
    const file = join(directory, name);
    if (name.endsWith(".log") && statSync(file).size > longLogBytes)
      renameSync(file, `${file}.old`);
  }
}
