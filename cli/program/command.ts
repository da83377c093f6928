import { parseArgs } from "node:util";
import { UsageError } from "../../local/cli/options.ts";
import { helpOf } from "./help.ts";

/**
 * 0: all is well, or done. 1: an answer that is no: something rings, does not add up, or failed
 * again. 2: it could not be asked, or not like that.
 */
export const exitCodes = { yes: 0, no: 1, notAsked: 2 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An option as `parseArgs` takes it and as help shows it. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  /** What stands for its value: `NAME`. */
  readonly value?: string;
  readonly text: string;
}
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export type ValuesOf<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]?:
    | (Specs[Name]["type"] extends "boolean"
        ? boolean
        : Specs[Name] extends { readonly multiple: true }
          ? readonly string[]
          : string)
    | undefined;
};

/** What a command reads of its surroundings, and says to them. */
export interface Io {
  readonly env: NodeJS.ProcessEnv;
  /** The answer, and nothing else. */
  readonly print: (text: string) => void;
  /** Progress, advice and mistakes. */
  readonly note: (text: string) => void;
  /** Makes room for the next answer, if somebody watches. */
  readonly clear: () => void;
  /** For what goes on until somebody ends it: aborted by Ctrl-C, which else ends the process. */
  readonly untilStopped: () => AbortSignal;
}

export type Run = (io: Io) => Promise<ExitCode>;

export interface CommandSpec<Specs extends OptionSpecs> {
  /** One word, or two. */
  readonly name: string;
  /** A line in the list of commands. */
  readonly summary: string;
  /** What may follow the name, a line each: `<id>… --note TEXT`. */
  readonly usage: readonly string[];
  /** Paragraphs that say more. */
  readonly about?: readonly string[];
  readonly options: Specs;
  /** When it ends with 0 and when with 1. */
  readonly exits: string;
  /**
   * Reads what is asked, before anything is done.
   * @throws UsageError that says what to change.
   */
  readonly read: (given: {
    readonly words: readonly string[];
    readonly values: ValuesOf<Specs>;
    readonly env: NodeJS.ProcessEnv;
  }) => Run;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  /** @throws UsageError */
  readonly parse: (args: readonly string[], env: NodeJS.ProcessEnv) => Run;
}

const helpOption = { help: { type: "boolean", short: "h" } } as const;

export function command<const Specs extends OptionSpecs>(spec: CommandSpec<Specs>): Command {
  const { name, summary, options, read } = spec;
  const help = helpOf(spec);
  return {
    ...{ name, summary, help },
    parse(args, env) {
      const { values, words } = parseWords(args, { ...options, ...helpOption });
      if (values.help) return printing(help);
      return read({ words, values: values as ValuesOf<Specs>, env });
    },
  };
}

/** Has something printed, and nothing done. */
export const printing =
  (text: string): Run =>
  async ({ print }) => {
    print(text);
    return exitCodes.yes;
  };

/** @throws UsageError */
export function parseWords<const Specs extends OptionSpecs>(
  args: readonly string[],
  options: Specs,
) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    return { values: values as ValuesOf<Specs>, words: positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** @throws UsageError when there are any. */
export function noWords(words: readonly string[]): void {
  const [first] = words;
  if (first !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(first)}`);
}

/** @throws UsageError when there is none, or more. */
export function oneWord(words: readonly string[], what: string): string {
  const [first, ...others] = words;
  if (first === undefined || first === "") throw new UsageError(`name ${what}`);
  if (others.length > 0) {
    throw new UsageError(`one at a time; unexpected: ${others.join(" ")}`);
  }
  return first;
}

/** @throws UsageError */
export function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} must be a whole number from ${least} to ${most}`);
}
