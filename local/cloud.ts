import { randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { Alarms } from "./cloudwatch/alarms.ts";
import { cloudMinutes, createMetrics } from "./cloudwatch/metrics.ts";
import {
  type DataDir,
  type DataDirLock,
  dataDirAt,
  lockDataDir,
  resetDataDir,
} from "./data-dir.ts";
import type { DevIssuer } from "./dev-issuer.ts";
import { createFaults, type FaultPlan, type Faults } from "./faults.ts";
import { type IdleOptions, waitUntilIdle } from "./idle.ts";
import { type Deployment, type DeployOptions, deploy, readReleases } from "./lambda/deploy.ts";
import type { InvocationOutcome } from "./lambda/function.ts";
import type { Functions } from "./lambda/functions.ts";
import { type Context, openStores, runTemplates, stopParts } from "./parts.ts";
import type { QueueDepth, Queues } from "./sqs/queues.ts";
import { createStats, type Stats } from "./stats.ts";
import type { Resource } from "./templates/resources.ts";
import { defaultLimits, type WebSocketLimits } from "./websocket/limits.ts";

export interface CloudOptions {
  readonly dataDir: string;
  /** 0 (and the default): any free port. */
  readonly port?: number;
  /** A cloud assembly that is synthesized already. */
  readonly assemblyDir?: string;
  /** Forgets everything in the data folder first. */
  readonly reset?: boolean;
  readonly faults?: FaultPlan;
  readonly seed?: number;
  /** False: schedules run only by `fireSchedule` and `fireDueSchedules`. */
  readonly schedules?: boolean;
  /** How long a minute of schedules (`rate`) and alarms lasts here; default 60,000. */
  readonly minuteMs?: number;
  /** Other limits than those of AWS, for tests that cannot wait for hours. */
  readonly webSocketLimits?: Partial<WebSocketLimits>;
  /** True: nothing is printed; messages still go to `onMessage`. */
  readonly quiet?: boolean;
  readonly onMessage?: (message: string) => void;
  /** Called when a part that nothing works without has died. */
  readonly onFatal?: (reason: string) => void;
}

export interface Cloud {
  readonly url: string;
  /** Where the WebSocket API listens, with its stage; empty if no template has one. */
  readonly webSocketUrl: string;
  readonly dataDir: DataDir;
  /** Empty if no template has a table. */
  readonly dynamodbUrl: string;
  /** Endpoint of every service but DynamoDB, SQS and S3, for SDK clients. */
  readonly servicesUrl: string;
  readonly resources: readonly Resource[];
  /** Physical table names. */
  readonly tables: readonly string[];
  readonly queues: Queues;
  /** Names of the queues that a function works off; the others hold dead letters. */
  readonly polledQueues: readonly string[];
  readonly functions: Functions;
  readonly scheduleNames: readonly string[];
  readonly alarms: Alarms;
  readonly faults: Faults;
  readonly stats: Stats;
  /** Secret values, by ARN or name. */
  secret(id: string): string;
  mintToken: DevIssuer["mintToken"];
  signClaims: DevIssuer["signClaims"];
  /** Invokes a function and parses its answer; throws if it fails. */
  invoke(functionName: string, event: unknown): Promise<unknown>;
  /**
   * Replaces a function's code while it runs.
   * @param bundleDir holds its `handler.mjs`, and stays as it is.
   */
  deploy(functionName: string, bundleDir: string, options?: DeployOptions): Promise<Deployment>;
  fireSchedule(name: string): Promise<InvocationOutcome>;
  /** Runs the one-off schedules that are due at that time, and names them. */
  fireDueSchedules(at: Date): Promise<string[]>;
  /** Brings back at once what a worker failed on, unless it is at work: that would use up a receive. */
  returnFailed(queueName: string): void;
  queueDepths(): Readonly<Record<string, QueueDepth>>;
  /** Resolves when every polled queue is empty and nothing runs. */
  waitUntilIdle(options?: IdleOptions): Promise<void>;
  /**
   * Finishes work in flight within five seconds and ends the rest, returns messages, keeps the data:
   * what was ended is answered 503, or delivered again at the next start.
   */
  stop(): Promise<void>;
}

/** Runs the synthesized application whole, on one data folder. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const dataDir = dataDirAt(options.dataDir);
  const lock = lockDataDir(dataDir);
  const context = createContext(options, dataDir);
  try {
    return await start(options, context, lock);
  } catch (error) {
    for (const step of context.undo.reverse()) await step();
    lock.release();
    throw error;
  }
}

function createContext(options: CloudOptions, dataDir: DataDir): Context {
  const warn = (message: string) => {
    options.onMessage?.(message);
    if (!options.quiet) process.stderr.write(`${message}\n`);
  };
  const minutes = cloudMinutes(options.minuteMs ?? 60_000);
  return {
    dataDir,
    minutes,
    metrics: createMetrics(minutes),
    warn,
    onFatal: options.onFatal ?? warn,
    stats: createStats(),
    faults: createFaults(options.seed ?? randomInt(2 ** 31), options.faults),
    undo: [],
  };
}

async function start(options: CloudOptions, context: Context, lock: DataDirLock): Promise<Cloud> {
  const { dataDir } = context;
  if (options.reset) resetDataDir(dataDir);
  mkdirSync(dataDir.logs, { recursive: true });
  const stores = await openStores(context, {
    port: options.port ?? 0,
    assemblyDir: options.assemblyDir,
    onListening: (url) => lock.announce({ pid: process.pid, url }),
  });
  const parts = await runTemplates(context, stores, {
    automaticSchedules: options.schedules ?? true,
    webSocketLimits: { ...defaultLimits, ...options.webSocketLimits },
  });
  const { alarms, functions, mappings, scheduler } = parts;
  const { http, queues, devIssuer } = stores;
  const releaseOf = readReleases(stores.resources, context.minutes.minuteMs);
  let stopped: Promise<void> | undefined;
  return {
    url: http.url,
    webSocketUrl: parts.services.webSocketUrl,
    dataDir,
    dynamodbUrl: stores.dynamodb.url,
    servicesUrl: parts.servicesUrl,
    resources: stores.resources,
    tables: parts.tables,
    queues,
    polledQueues: mappings.map(({ queue }) => queue.name),
    functions,
    scheduleNames: scheduler.names,
    alarms,
    faults: context.faults,
    stats: context.stats,
    secret: parts.secrets.value,
    mintToken: devIssuer.mintToken,
    signClaims: devIssuer.signClaims,
    async invoke(functionName, event) {
      const outcome = await functions.get(functionName).invoke(JSON.stringify(event));
      if (outcome.ok) return JSON.parse(outcome.payload);
      if ("throttled" in outcome) throw new Error(`${functionName} is throttled`);
      if ("abandoned" in outcome) throw new Error(`${functionName} was stopped`);
      throw new Error(`${outcome.error.errorType}: ${outcome.error.errorMessage}`);
    },
    deploy: (functionName, bundleDir, how = {}) =>
      deploy(functions.get(functionName), bundleDir, how, alarms, releaseOf(functionName)),
    fireSchedule: scheduler.fire,
    fireDueSchedules: (at) => parts.services.schedules.fireDue(at.getTime()),
    returnFailed(queueName) {
      const mapping = mappings.find(({ queue }) => queue.name === queueName);
      if (mapping?.unsettled() === 0) mapping.queue.expireVisibility();
    },
    queueDepths: () => Object.fromEntries(queues.all().map((one) => [one.name, one.depth()])),
    waitUntilIdle: (idle) => waitUntilIdle({ ...parts, http }, idle),
    stop() {
      stopped ??= stopParts(stores, parts, context).finally(() => lock.release());
      return stopped;
    },
  };
}
