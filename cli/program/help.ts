import { pageWidth, pairs, wrapped } from "../text.ts";
import type { Command, CommandSpec, OptionSpec, OptionSpecs } from "./command.ts";

const program = "npx pennyline";

/** What `--help` shows of one command; every part of it comes from its definition. */
export function helpOf(spec: Omit<CommandSpec<OptionSpecs>, "read">): string {
  const { name, summary, usage, about = [], options, exits } = spec;
  const rows = [...Object.entries(options), ["help", helpRow] as const].map(
    ([option, { value, text }]) =>
      [`--${option}${value === undefined ? "" : ` ${value}`}`, text] as const,
  );
  return [
    ...wrapped(summary),
    "",
    ...usage.map((line) => `  ${program} ${name} ${line}`.trimEnd()),
    "",
    ...about.flatMap((paragraph) => [...wrapped(paragraph), ""]),
    ...columns(rows),
    "",
    ...wrapped(`Exit code: ${exits} 2 when it could not be asked, or not like that.`),
  ].join("\n");
}

const helpRow: OptionSpec = { type: "boolean", text: "this text" };

/** What the program shows of itself. */
export function helpOfAll(commands: readonly Command[]): string {
  const top = commands.filter(({ name }) => !name.includes(" "));
  return [
    "Sees and mends a Pennyline.",
    "",
    `  ${program} <command> [options]`,
    "",
    ...pairs(top.map(({ name, summary }) => [`  ${name}`, summary] as const)),
    "",
    `  ${program} help <command> tells more of one, as does <command> --help; --version says which`,
    "  Pennyline this is.",
    "",
    ...wrapped(
      "Asked is the copy of the embedded cloud that runs on this machine, on PORT (4000 when " +
        "unset); with --api, or PENNYLINE_API, a deployed stage, for which PENNYLINE_TOKEN (or " +
        "--token) is a JWT with the scope admin.",
    ),
    "",
    ...wrapped(
      "Commands that read take --json, and then print the API's own answer. The answer alone goes " +
        "to standard output; what else there is to say goes to standard error.",
    ),
    "",
    "Exit code:",
    ...pairs([
      ["  0", "all is well, or it is done"],
      ["  1", "the answer is no: something rings, does not add up, was refused or failed again"],
      ["  2", "it could not be asked, or not like that"],
    ]),
  ].join("\n");
}

/** Names on the left, wrapped texts on the right. */
function columns(rows: readonly (readonly [name: string, text: string])[]): string[] {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.flatMap(([name, text]) =>
    wrapped(text, pageWidth - left).map(
      (line, index) => `${index === 0 ? `  ${name}`.padEnd(left) : " ".repeat(left)}${line}`,
    ),
  );
}
