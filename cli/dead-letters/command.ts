import { UsageError } from "../../local/cli/options.ts";
import { adminCommand } from "../api/admin-command.ts";
import { type Command, noWords, type OptionSpecs, oneWord } from "../program/command.ts";
import { unknownCommand } from "../program/nearest.ts";
import { asJson } from "../text.ts";
import {
  describeAudit,
  describeGroups,
  describeLetter,
  describeLetters,
} from "./describe-letters.ts";
import { discard } from "./discard.ts";
import { edit } from "./edit.ts";
import { readAudit, readGroups, readLetter, readLetters } from "./letters.ts";

const filterOptions = {
  state: {
    type: "string",
    value: "STATE",
    text: "open (default), waiting, succeeded or discarded",
  },
  queue: { type: "string", value: "NAME", text: "of one dead letter queue only" },
} as const satisfies OptionSpecs;
const pageOptions = {
  limit: { type: "string", value: "N", text: "how many, up to 100 (default 20)" },
  cursor: { type: "string", value: "CURSOR", text: "go on where a page ended" },
} as const satisfies OptionSpecs;

const list = adminCommand({
  name: "dead-letters list",
  summary: "Lists dead letters, newest first.",
  usage: ["[options]"],
  options: {
    ...filterOptions,
    cause: { type: "string", value: "CAUSE", text: "of one cause only, as the groups show it" },
    ...pageOptions,
  },
  exits: "0 when they are listed, however many there are.",
  read({ words, values: { state, queue, cause, limit, cursor } }) {
    noWords(words);
    return async (api) => {
      const { value, raw } = await readLetters(api, { state, queue, cause, limit, cursor });
      return { lines: describeLetters(value, Date.now()), raw };
    };
  },
});

const show = adminCommand({
  name: "dead-letters show",
  summary: "Shows one dead letter: its error, its history and its body, masked.",
  usage: ["<id> [options]"],
  options: { body: { type: "boolean", text: "print the body alone, to edit it" } },
  exits: "0 when it is shown.",
  read({ words, values }) {
    const letterId = oneWord(words, "a letter");
    return async (api) => {
      const { value, raw } = await readLetter(api, letterId);
      return values.body
        ? { lines: asJson(value.body).split("\n"), raw: value.body }
        : { lines: describeLetter(value), raw };
    };
  },
});

const audit = adminCommand({
  name: "dead-letters audit",
  summary: "Lists who edited, redrove or discarded what, when and why.",
  usage: ["[options]"],
  options: pageOptions,
  exits: "0 when it is listed.",
  read({ words, values: { limit, cursor } }) {
    noWords(words);
    return async (api) => {
      const { value, raw } = await readAudit(api, { limit, cursor });
      return { lines: describeAudit(value), raw };
    };
  },
});

const nextSteps =
  "One of them: npx pennyline dead-letters show <letter>. Mended: npx pennyline redrive --cause <cause> " +
  '--note "…".';

/** What one wants to see first. */
const groups = (name: string, usage: readonly string[], others: readonly Command[] = []) =>
  adminCommand({
    name,
    summary: "Groups dead letters by why they died; also lists, edits and discards them.",
    usage,
    about: [
      "A cause is an error's class and message, without what differs from one message to the next. " +
        "Mend it, then redrive what is open (npx pennyline help redrive), or discard it.",
    ],
    options: filterOptions,
    exits: "0 when they are grouped, however many there are.",
    read({ words, values: { state, queue } }) {
      const [word] = words;
      if (word !== undefined) throw new UsageError(unknownCommand(others, `${name} ${word}`));
      return async (api) => {
        const { value, raw } = await readGroups(api, { state, queue });
        const answer = { lines: describeGroups(value, Date.now()), raw };
        return value.items.length === 0 ? answer : { ...answer, hint: nextSteps };
      };
    },
  });

const own = [groups("dead-letters groups", ["[options]"]), list, show, edit, discard, audit];
const usage = ["[options]", ...own.map(({ name }) => `${name.split(" ")[1]} …`)];

export const deadLetters: readonly Command[] = [groups("dead-letters", usage, own), ...own];
