import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { z } from "zod";
import { type FaultPlan, type Faults, faultPlanSchema } from "../faults.ts";
import { UsageError } from "./options.ts";

const lookEveryMs = 100;

/**
 * @param source where the text stands, for the message.
 * @throws UsageError that says what is no fault.
 */
export function parseFaults(text: string, source: string): FaultPlan {
  let plan: unknown;
  try {
    plan = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${source} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const result = faultPlanSchema.safeParse(plan);
  if (result.success) return result.data as FaultPlan;
  throw new UsageError(`${source}: ${z.prettifyError(result.error)}`);
}

/**
 * Has the plan in a file strike, and whatever it is changed to. While there is no file, nothing does.
 * @returns how to stop that.
 */
export function followFaults(
  file: string,
  faults: Pick<Faults, "plan">,
  print: (message: string) => void,
): () => void {
  let known = "{}";
  const look = () => {
    const text = readIfThere(file);
    if (text === known) return;
    known = text;
    try {
      faults.plan(parseFaults(text, file));
      print(text === "{}" ? "no faults" : `faults: ${text.trim()}`);
    } catch (error) {
      print(`${(error as Error).message} The faults stay as they were.`);
    }
  };
  look();
  // Looked at, not listened for: how a change is told depends on the machine, and on the editor.
  watchFile(file, { interval: lookEveryMs }, look);
  return () => unwatchFile(file, look);
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "{}";
    throw error;
  }
}
