import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { findPackageJSON } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import { type DynamoDbClient, dynamoDbClient } from "./client.ts";

export interface DynamoDbServer {
  readonly url: string;
  readonly client: DynamoDbClient;
  stop(): Promise<void>;
}

const readyWithinMs = 15_000;
const goneWithinMs = 3_000;
const keeperFile = join(import.meta.dirname, "keeper.ts");
const howToGetOne =
  "Install dynoxide (npm installs it on Linux x64; elsewhere put `dynoxide` on the PATH), or set " +
  "PENNYLINE_DYNAMODB_ENDPOINT to the URL of any DynamoDB-compatible server.";

/** Starts dynoxide on a database in `directory`, or uses the endpoint that is configured. */
export async function startDynamoDb(
  directory: string,
  onExit: (reason: string) => void,
): Promise<DynamoDbServer> {
  const configured = process.env.PENNYLINE_DYNAMODB_ENDPOINT;
  if (configured) return useConfigured(configured);

  mkdirSync(directory, { recursive: true });
  const pidFile = join(directory, "keeper.pid");
  await untilGone(pidFile);
  const { keeper, client, url } = await spawnDynoxide(findDynoxide(), join(directory, "tables.db"));
  writeFileSync(pidFile, String(keeper.pid));
  let stopping = false;
  keeper.once("exit", (code) => {
    if (!stopping) onExit(`dynoxide ended by itself with code ${code}`);
  });
  return {
    url,
    client,
    async stop() {
      stopping = true;
      const ended = once(keeper, "exit");
      if (keeper.exitCode !== null) return;
      keeper.stdin?.end();
      await ended;
      rmSync(pidFile, { force: true });
    },
  };
}

/** For applications without a table. */
export const noDynamoDb: DynamoDbServer = {
  url: "",
  client: dynamoDbClient("http://no-dynamodb.invalid"),
  stop: async () => {},
};

async function useConfigured(url: string): Promise<DynamoDbServer> {
  const client = dynamoDbClient(url);
  try {
    await client.call("ListTables", {});
  } catch (cause) {
    throw new Error(`PENNYLINE_DYNAMODB_ENDPOINT is ${url}, and nothing answers there`, { cause });
  }
  return { url, client, stop: async () => {} };
}

function findDynoxide(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const manifest = findPackage(`@dynoxide/${platform}-${process.arch}`);
  const candidates = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, "dynoxide"));
  if (manifest !== undefined) candidates.unshift(join(dirname(manifest), "dynoxide"));
  const found = candidates.find(isExecutable);
  if (found === undefined) {
    throw new Error(`no DynamoDB for ${process.platform} ${process.arch}. ${howToGetOne}`);
  }
  return found;
}

function findPackage(name: string): string | undefined {
  try {
    return findPackageJSON(name, import.meta.url);
  } catch {
    return undefined;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** After a `kill -9` the database of the killed copy is closed a moment later. */
async function untilGone(pidFile: string): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8"));
  const deadline = Date.now() + goneWithinMs;
  // The number may belong to another program by now, so this wait is bounded.
  while (isAlive(pid) && Date.now() < deadline) await delay(10);
  rmSync(pidFile);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

interface RunningDynoxide {
  readonly keeper: ChildProcess;
  readonly client: DynamoDbClient;
  readonly url: string;
}

async function spawnDynoxide(program: string, database: string): Promise<RunningDynoxide> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const keeper = spawn(
      process.execPath,
      [keeperFile, program, "serve", "--port", String(port), "--db-path", database],
      {
        // A process group of its own: Ctrl-C must reach us alone, work in flight needs tables.
        detached: true,
        stdio: ["pipe", "pipe", "pipe"],
        env: { PATH: process.env.PATH },
      },
    );
    const url = `http://127.0.0.1:${port}`;
    const client = dynamoDbClient(url);
    const output = await listening(keeper);
    if (output === undefined) {
      await client.call("ListTables", {});
      return { keeper, client, url };
    }
    keeper.stdin?.end();
    // Another process may have taken the port between our look and dynoxide's.
    if (attempt === 3) throw new Error(`${program} does not start. ${output}\n${howToGetOne}`);
  }
}

/** Undefined once dynoxide says that it listens; what it printed if it ends or stays silent. */
async function listening(keeper: ChildProcess): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let output = "";
  const read = (chunk: Buffer) => {
    output = (output + chunk.toString("utf8")).slice(-4_000);
    if (output.includes("listening on")) resolve(undefined);
  };
  keeper.stdout?.on("data", read);
  keeper.stderr?.on("data", read);
  keeper.once("exit", (code) => resolve(`It ended with code ${code}: ${output.trim()}`));
  keeper.once("error", (error) => resolve(error.message));
  const timer = setTimeout(
    () => resolve(`It said nothing in ${readyWithinMs} ms. ${output.trim()}`),
    readyWithinMs,
  );
  const result = await promise;
  clearTimeout(timer);
  return result;
}
