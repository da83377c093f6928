import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, watch } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Cloud } from "./cloud.ts";
import type { LambdaFunction } from "./lambda/function.ts";

const root = join(import.meta.dirname, "..");
/** What bundles are made of, and what templates are made of; the latter are read once. */
const folders = ["lambdas", "core", "adapters", "lib", "bin"];
const inTemplates = /^(lib\/|bin\/|core\/contracts\/|cdk\.json$|package-lock\.json$)/;
/** Editors write a file in several steps, and people save several files. */
const quietMs = 200;
const functionPrefix = "pennyline-local-";

type ReloadedCloud = Pick<Cloud, "dataDir" | "deploy" | "functions">;

export interface Reloading {
  stop(): void;
}

/**
 * Replaces the code of running functions when the sources of their bundles change. What does not
 * build or load is told, and the old code serves on.
 */
export function reloadOnChange(cloud: ReloadedCloud, print: (message: string) => void): Reloading {
  const stopping = new AbortController();
  const reload = createReload(cloud, print, stopping.signal);
  const needRestart = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const onChange = (path: string) => {
    if (inTemplates.test(path)) needRestart.add(path);
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (needRestart.size > 0) {
        print(`${[...needRestart].join(", ")} changed: restart for what templates are made of`);
      }
      needRestart.clear();
      void reload();
    }, quietMs);
  };
  for (const folder of folders) {
    const options = { recursive: true, signal: stopping.signal };
    watch(join(root, folder), options, (_, file) => onChange(`${folder}/${file ?? ""}`));
  }
  watch(root, { signal: stopping.signal }, (_, file) => {
    if (inTemplates.test(file ?? "")) onChange(file ?? "");
  });
  return {
    stop() {
      clearTimeout(timer);
      stopping.abort();
    },
  };
}

/** Brings what runs up to the sources; a call while another one works has it look again. */
function createReload(
  cloud: ReloadedCloud,
  print: (message: string) => void,
  stopping: AbortSignal,
) {
  rmSync(cloud.dataDir.bundles, { recursive: true, force: true });
  let builds = 0;
  const once = async () => {
    const startedAtMs = performance.now();
    builds += 1;
    const output = join(cloud.dataDir.bundles, String(builds));
    await buildInto(output, stopping);
    const deployed: string[] = [];
    for (const name of functionsIn(output)) {
      const lambda = cloud.functions.all().find((one) => one.name === functionPrefix + name);
      if (lambda === undefined) print(`lambdas/${name} is new: restart to run it`);
      else if (await replace(cloud, lambda, join(output, name), print)) deployed.push(name);
      if (stopping.aborted) return;
    }
    if (deployed.length === 0) return;
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
    print(`new code runs in ${deployed.join(", ")} (${seconds} s)`);
  };
  let working = false;
  let again = false;
  return async (): Promise<void> => {
    again = true;
    if (working) return;
    working = true;
    while (again && !stopping.aborted) {
      again = false;
      try {
        await once();
      } catch (error) {
        if (!stopping.aborted) print(notReloaded((error as Error).message));
      }
    }
    working = false;
  };
}

const notReloaded = (why: string) => `NOT RELOADED, the old code serves on: ${why}`;

async function replace(
  cloud: ReloadedCloud,
  lambda: LambdaFunction,
  folder: string,
  print: (message: string) => void,
): Promise<boolean> {
  const bundle = (taskRoot: string) => readFileSync(join(taskRoot, "handler.mjs"));
  // It names the shared files it imports, and they are named for their contents: equal is unchanged.
  if (bundle(lambda.taskRoot()).equals(bundle(folder))) return false;
  const outcome = await cloud.deploy(lambda.name, folder, {
    onStep: ({ percent, forMs }) =>
      print(`new code of ${lambda.name} has ${percent} % for ${forMs / 1_000} s, if nothing rings`),
  });
  if (outcome.state === "deployed") return true;
  const why = outcome.state === "refused" ? outcome.reason : `${outcome.alarm} rang`;
  print(`${lambda.name} ${notReloaded(why)}`);
  return false;
}

/** As the CDK application does for this machine, in a process of its own. */
async function buildInto(output: string, signal: AbortSignal): Promise<void> {
  const script = join(root, "bin", "bundles.ts");
  try {
    await promisify(execFile)(process.execPath, [script, "local", output], { cwd: root, signal });
  } catch (cause) {
    const { stderr } = cause as { stderr?: string };
    throw new Error(stderr?.trim() || (cause as Error).message, { cause });
  }
}

function functionsIn(output: string): string[] {
  const entries = readdirSync(output, { withFileTypes: true });
  return entries.flatMap(({ name }) =>
    existsSync(join(output, name, "handler.mjs")) ? [name] : [],
  );
}
