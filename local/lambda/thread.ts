/**
 * The thread of one environment: loads the bundle once, then runs one invocation at a time.
 * Node runs this file as it is, so it imports nothing that is not erasable TypeScript.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import type {
  EnvironmentMessage,
  EnvironmentSettings,
  FunctionError,
  InvokeMessage,
} from "./messages.ts";
import { killAtCall } from "./thread-faults.ts";
import { captureLogs, setRequestId } from "./thread-logs.ts";

type Handler = (event: unknown, context: object) => unknown;

const settings = workerData as EnvironmentSettings;
const port = parentPort;
if (port === null) throw new Error("this file runs only in a worker thread");
const post = (message: EnvironmentMessage) => port.postMessage(message);

captureLogs(settings, (metrics) => post({ kind: "metrics", metrics }));
process.on("unhandledRejection", (reason) => {
  const error = describeError(reason);
  const errorType = "Runtime.UnhandledPromiseRejection";
  post({ kind: "failed", error: { ...error, errorType }, fatal: true });
});

try {
  const handler = await loadHandler();
  port.on("message", (message: InvokeMessage) => void invoke(handler, message));
  post({ kind: "ready" });
} catch (error) {
  post({ kind: "init-failed", error: describeError(error) });
}

async function loadHandler(): Promise<Handler> {
  const dot = settings.handler.lastIndexOf(".");
  const module = settings.handler.slice(0, dot);
  const name = settings.handler.slice(dot + 1);
  const file = [".mjs", ".js", ".cjs"]
    .map((extension) => join(settings.taskRoot, `${module}${extension}`))
    .find((candidate) => existsSync(candidate));
  if (file === undefined) throw new Error(`Cannot find module '${module}' in the bundle`);
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const handler = loaded[name] ?? (loaded.default as Record<string, unknown> | undefined)?.[name];
  if (typeof handler !== "function") throw new Error(`${settings.handler} is no function`);
  return handler as Handler;
}

async function invoke(handler: Handler, message: InvokeMessage): Promise<void> {
  setRequestId(message.requestId);
  process.env._X_AMZN_TRACE_ID = message.traceHeader;
  killAtCall(message.killAtCall);
  try {
    if (message.hangMs !== undefined) await delay(message.hangMs);
    const result = await handler(JSON.parse(message.payload), contextOf(message));
    post({ kind: "succeeded", payload: JSON.stringify(result) ?? "null" });
  } catch (error) {
    post({ kind: "failed", error: describeError(error), fatal: false });
  }
}

function contextOf({ requestId, timeoutMs }: InvokeMessage): object {
  const deadlineMs = Date.now() + timeoutMs;
  return {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: settings.functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: settings.functionArn,
    logGroupName: settings.logGroup,
    logStreamName: "local",
    memoryLimitInMB: String(settings.memoryMb),
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

function describeError(error: unknown): FunctionError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error) };
  return {
    errorType: error.name,
    errorMessage: error.message,
    trace: (error.stack ?? "").split("\n"),
  };
}
