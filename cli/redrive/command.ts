import { limits } from "../../core/contracts/limits.ts";
import { type AdminIo, adminCommand } from "../api/admin-command.ts";
import { systemPacing } from "../api/connect.ts";
import { openLetterIds } from "../dead-letters/letters.ts";
import {
  noteOption,
  readNote,
  readSelection,
  selectionOptions,
} from "../dead-letters/selection.ts";
import { type OptionSpecs, oneWord, wholeNumber } from "../program/command.ts";
import { describeRedrives, verdictOn } from "./describe-redrives.ts";
import { follow, isSettled, type Redrive, readRedrive, redriveAll } from "./redrives.ts";

const waitOption = {
  wait: {
    type: "boolean",
    text:
      "follow each letter until its worker is done with it, or it comes back: a message that fails " +
      "does so four times, which may take an hour",
  },
} as const satisfies OptionSpecs;

const exits =
  "0 when they are on their way, with --wait when all of them succeeded; 1 when one failed again, " +
  "could not be redriven, or is not heard of.";

const redriveLetters = adminCommand({
  name: "redrive",
  summary: "Sends dead letters back to their workers, and tells what came of each.",
  usage: [
    "<id>… --note TEXT [--wait]",
    "--cause CAUSE [--queue NAME] --note TEXT [--wait]",
    "--all [--queue NAME] --note TEXT [--wait]",
    "show <redriveId> [--wait]",
  ],
  about: [
    "Mend the cause first: see npx pennyline dead-letters. Whatever is redriven twice counts once. " +
      "Nothing is redriven by itself, and what fails again is the same letter, open again.",
    `With --json: {"redrives": [as GET /v1/admin/dead-letters/redrives/{redriveId} answers, ` +
      `${limits.maxLettersAtOnce} letters at most in each], "refused": [ids that cannot be redriven]}.`,
  ],
  options: {
    ...selectionOptions,
    all: { type: "boolean", text: "all letters that are open (of --queue, if it is named)" },
    rate: {
      type: "string",
      value: "N",
      text:
        `how many a second (default ${limits.usualRedriveRate}, up to ${limits.maxRedriveRate}), ` +
        "so that workers are not flooded",
    },
    ...noteOption,
    ...waitOption,
  },
  exits,
  read({ words, values }) {
    const selection = readSelection(words, values, values.all);
    const note = readNote(values.note);
    const ratePerSecond =
      values.rate === undefined
        ? undefined
        : wholeNumber("rate", values.rate, 1, limits.maxRedriveRate);
    return async (api, io) => {
      const waiting = waitingOn(io);
      const letterIds =
        "letterIds" in selection ? selection.letterIds : await openLetterIds(api, selection);
      if (letterIds.length === 0) {
        return { lines: ["No such letter is open."], raw: { redrives: [], refused: [] } };
      }
      let redrives = await redriveAll(api, { letterIds, ratePerSecond, note }, waiting);
      if (values.wait) {
        const followed: Redrive[] = [];
        for (const one of redrives) followed.push(await follow(api, one, isSettled, waiting));
        redrives = followed;
      }
      const sent = new Set(redrives.flatMap(({ letters }) => letters).map((one) => one.letterId));
      const outcome = { redrives, refused: letterIds.filter((id) => !sent.has(id)) };
      const exitCode = verdictOn(outcome, values.wait ?? false);
      const answer = { lines: describeRedrives(outcome), raw: outcome, exitCode };
      const [first] = redrives;
      if (values.wait || !first) return answer;
      return { ...answer, hint: `What comes of it: npx pennyline redrive show ${first.redriveId}` };
    };
  },
});

const waitingOn = ({ note: tell }: AdminIo) => ({
  ...{ tell, clock: { nowMs: Date.now }, pacing: systemPacing },
});

const show = adminCommand({
  name: "redrive show",
  summary: "Tells what came of a redrive, letter by letter.",
  usage: ["<redriveId> [--wait]"],
  options: waitOption,
  exits,
  read({ words, values }) {
    const redriveId = oneWord(words, "a redrive");
    return async (api, io) => {
      const first = await readRedrive(api, redriveId);
      const redrive = values.wait ? await follow(api, first, isSettled, waitingOn(io)) : first;
      const outcome = { redrives: [redrive], refused: [] };
      const exitCode = verdictOn(outcome, values.wait ?? false);
      return { lines: describeRedrives(outcome), raw: outcome, exitCode };
    };
  },
});

export const redrive = [redriveLetters, show];
