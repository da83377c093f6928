import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What `npm start` runs, as a process of its own: it can be killed, and started again on its data. */
export interface Program {
  readonly port: number;
  readonly dataDir: string;
  readonly log: string;
  /** Resolves when it answers. @throws when it ends instead. */
  start(): Promise<void>;
  /** `kill -9`: nothing is finished, nothing is written. */
  kill(): Promise<void>;
  /** Ctrl-C. */
  stop(): Promise<void>;
  /** What it said so far, line by line. */
  readonly lines: readonly string[];
}

export interface ProgramSettings {
  readonly folder: string;
  readonly faultsFile: string;
  readonly port: number;
  readonly minuteMs: number;
}

const dataFolder = "data";
/** A synthesis, on a machine where others work as well. */
const startWithinMs = 300_000;

export function createProgram({ folder, faultsFile, port, minuteMs }: ProgramSettings): Program {
  const dataDir = join(folder, dataFolder);
  const log = join(folder, "npm-start.log");
  const lines: string[] = [];
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  // Nobody else would end it, and a signal alone ends us without a word.
  process.on("exit", () => child?.kill("SIGKILL"));
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => process.exit(130));
  return {
    ...{ port, dataDir, log, lines },
    async start() {
      mkdirSync(dataDir, { recursive: true });
      const { PENNYLINE_FAULTS: _, ...environment } = process.env;
      const args = ["local/main.ts", "--data-dir", dataFolder, "--faults", faultsFile];
      const started = spawn(process.execPath, args, {
        cwd: folder,
        env: { ...environment, PORT: String(port), PENNYLINE_MINUTE_MS: String(minuteMs) },
        stdio: ["ignore", "pipe", "pipe"],
      });
      child = started;
      const ready = Promise.withResolvers<void>();
      const tooLate = new Error(`npm start does not answer after ${startWithinMs / 1_000} s`);
      const timer = setTimeout(() => ready.reject(tooLate), startWithinMs);
      const listen = (line: string) => {
        lines.push(line);
        appendFileSync(log, `${line}\n`);
        if (line.startsWith("Pennyline runs on ")) ready.resolve();
      };
      createInterface({ input: started.stdout }).on("line", listen);
      createInterface({ input: started.stderr }).on("line", listen);
      started.on("exit", () => {
        ready.reject(new Error(`npm start ended:\n${lines.slice(-10).join("\n")}`));
      });
      await ready.promise.finally(() => clearTimeout(timer));
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}

/**
 * A free port below those that systems give to outgoing connections: one of these could take it while
 * the program is down, and be connected to itself.
 */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}
