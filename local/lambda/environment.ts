import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type {
  EnvironmentMessage,
  EnvironmentSettings,
  FunctionError,
  InvokeMessage,
  PrintedMetric,
} from "./messages.ts";

export type InvocationResult =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly error: FunctionError };

export interface EnvironmentEvents {
  /** The bundle is loaded; an invocation may come. */
  readonly onReady: () => void;
  /** The thread is gone, before its first invocation or after. */
  readonly onGone: (initError: FunctionError | undefined) => void;
  readonly onMetrics: (metrics: readonly PrintedMetric[]) => void;
}

export interface InvocationFault {
  readonly killAfterMs?: number;
}

/** One execution environment: a worker thread that runs one invocation at a time. */
export interface Environment {
  readonly idleSinceMs: number;
  invoke(message: InvokeMessage, fault?: InvocationFault): Promise<InvocationResult>;
  terminate(): Promise<void>;
}

const threadFile = fileURLToPath(new URL("./thread.ts", import.meta.url));

export function startEnvironment(
  settings: EnvironmentSettings,
  variables: Readonly<Record<string, string>>,
  events: EnvironmentEvents,
): Environment {
  const worker = new Worker(threadFile, {
    name: settings.functionName,
    workerData: settings,
    env: { ...variables },
    execArgv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: settings.memoryMb, maxYoungGenerationSizeMb: 48 },
  });
  let settle: ((result: InvocationResult) => void) | undefined;
  let ready = false;
  let gone = false;
  let crash: FunctionError | undefined;
  let idleSinceMs = Date.now();

  const finish = (result: InvocationResult) => {
    const settleNow = settle;
    settle = undefined;
    idleSinceMs = Date.now();
    settleNow?.(result);
  };
  worker.on("message", (message: EnvironmentMessage) => {
    switch (message.kind) {
      case "ready":
        ready = true;
        return events.onReady();
      case "metrics":
        return events.onMetrics(message.metrics);
      case "succeeded":
        return finish({ ok: true, payload: message.payload });
      case "failed":
        if (message.fatal) void worker.terminate();
        return finish({ ok: false, error: message.error });
      case "init-failed":
        crash = message.error;
        void worker.terminate();
    }
  });
  worker.on("error", (error: Error) => {
    crash = { errorType: error.name, errorMessage: error.message };
  });
  worker.on("exit", (code) => {
    const errorMessage = `Runtime exited with error: exit status ${code}`;
    const error = crash ?? { errorType: "Runtime.ExitError", errorMessage };
    gone = true;
    finish({ ok: false, error });
    events.onGone(ready ? undefined : error);
  });

  return {
    get idleSinceMs() {
      return idleSinceMs;
    },
    async invoke(message, fault) {
      if (gone) return { ok: false, error: goneBefore };
      const { promise, resolve } = Promise.withResolvers<InvocationResult>();
      settle = resolve;
      const end = (error: FunctionError) => {
        crash = error;
        void worker.terminate();
      };
      const timers = [setTimeout(() => end(timedOut(message)), message.timeoutMs)];
      if (fault?.killAfterMs !== undefined) {
        timers.push(setTimeout(() => void worker.terminate(), fault.killAfterMs));
      }
      worker.postMessage(message);
      try {
        return await promise;
      } finally {
        for (const timer of timers) clearTimeout(timer);
      }
    },
    async terminate() {
      await worker.terminate();
    },
  };
}

const goneBefore: FunctionError = {
  errorType: "Runtime.ExitError",
  errorMessage: "Runtime exited before the invocation",
};

function timedOut({ requestId, timeoutMs }: InvokeMessage): FunctionError {
  const seconds = (timeoutMs / 1000).toFixed(2);
  return {
    errorType: "Sandbox.Timedout",
    errorMessage: `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
  };
}
