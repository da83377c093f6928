import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../local/cli/options.ts";
import { printable } from "../text.ts";
import { type Command, type ExitCode, exitCodes, type Io, printing, type Run } from "./command.ts";
import { helpOfAll } from "./help.ts";
import { unknownCommand } from "./nearest.ts";
import { Refused, Unanswered } from "./unanswered.ts";

/** Carries out a command line. */
export async function runProgram(
  commands: readonly Command[],
  args: readonly string[],
  surroundings: Io,
): Promise<ExitCode> {
  const { print, note } = surroundings;
  const io: Io = {
    ...surroundings,
    print: (text) => print(printable(text)),
    note: (text) => note(printable(text)),
  };
  const name = chosen(commands, args)?.name;
  try {
    return await parseLine(commands, args, io.env)(io);
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    io.note(`${["pennyline", name].filter(Boolean).join(" ")}: ${error.message}`);
    if (error instanceof UsageError) {
      io.note(`Try: npx pennyline ${["help", name].filter(Boolean).join(" ")}`);
    } else if (!(error instanceof Unanswered || error instanceof Refused)) {
      io.note(error.stack ?? "");
    }
    if (error instanceof Refused) return exitCodes.no;
    // Uncaught it would end with 1, which would be an answer.
    return exitCodes.notAsked;
  }
}

/** @throws UsageError that says what to change. */
export function parseLine(
  commands: readonly Command[],
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Run {
  const [first] = args;
  if (first === undefined || first === "--help" || first === "-h")
    return printing(helpOfAll(commands));
  if (first === "--version") return printing(version());
  if (first === "help") return helpFor(commands, args.slice(1));
  const found = chosen(commands, args);
  if (!found) throw new UsageError(unknownCommand(commands, first));
  return found.parse(args.slice(found.name.split(" ").length), env);
}

/** Of the package that this file is in. */
function version(): string {
  const manifest = readFileSync(join(import.meta.dirname, "../../package.json"), "utf8");
  return JSON.parse(manifest).version;
}

function helpFor(commands: readonly Command[], words: readonly string[]): Run {
  const [first] = words;
  if (first === undefined) return printing(helpOfAll(commands));
  const found = chosen(commands, words);
  if (found) return printing(found.help);
  throw new UsageError(unknownCommand(commands, first));
}

/** The one with two words goes before the one with the first of them. */
function chosen(commands: readonly Command[], args: readonly string[]): Command | undefined {
  const named = (name: string) => commands.find((one) => one.name === name);
  return named(args.slice(0, 2).join(" ")) ?? named(args[0] ?? "");
}
