import { readFileSync } from "node:fs";
import { UsageError } from "../../local/cli/options.ts";
import { adminCommand } from "../api/admin-command.ts";
import { change } from "../api/ask.ts";
import { oneWord } from "../program/command.ts";
import { pathOfLetter, wholeLetterShape } from "./letters.ts";
import { noteOption, readNote } from "./selection.ts";

export const edit = adminCommand({
  name: "dead-letters edit",
  summary: "Puts another body in the place of a dead letter's; the original is kept.",
  usage: ["<id> --body-file FILE --note TEXT [options]"],
  about: [
    "The body is the one that npx pennyline dead-letters show <id> --body prints, changed; what " +
      "still is [masked] keeps its value. It must be an event that the queue's worker can read.",
  ],
  options: {
    "body-file": { type: "string", value: "FILE", text: "a JSON file; - reads standard input" },
    ...noteOption,
  },
  exits: "0 when it is edited, 1 when it may not be any more.",
  read({ words, values }) {
    const letterId = oneWord(words, "a letter");
    const file = values["body-file"];
    if (file === undefined) throw new UsageError("name the new body: --body-file FILE");
    const note = readNote(values.note);
    return async (api) => {
      const path = `${pathOfLetter(letterId)}/body`;
      const body = readBody(file);
      const { raw } = await change(api, "PUT", path, { body, note }, wholeLetterShape);
      const next = `npx pennyline redrive ${letterId} --note "…"`;
      return { lines: [`Edited. It goes to its worker by: ${next}`], raw };
    };
  },
});

const standardInput = 0;

function readBody(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file === "-" ? standardInput : file, "utf8"));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`--body-file ${file}: ${why}`, { cause });
  }
}
