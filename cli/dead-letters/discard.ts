import { z } from "zod";
import { adminCommand } from "../api/admin-command.ts";
import { change } from "../api/ask.ts";
import { exitCodes } from "../program/command.ts";
import { amountOf } from "../text.ts";
import { noteOption, readNote, readSelection, selectionOptions } from "./selection.ts";

const discardedShape = z.object({ discarded: z.number(), more: z.boolean() });

export const discard = adminCommand({
  name: "dead-letters discard",
  summary: "Discards dead letters: nothing is to be done about them any more.",
  usage: [
    "<id>… --note TEXT",
    "--cause CAUSE [--queue NAME] --note TEXT",
    "--queue NAME --note TEXT",
  ],
  about: [
    "They can be looked at for 90 days more, and are not redriven any more. With --json: " +
      '{"discarded": how many}.',
  ],
  options: { ...selectionOptions, ...noteOption },
  exits: "0 when they are discarded, 1 when none of them was open.",
  read({ words, values }) {
    const selection = readSelection(words, values);
    const note = readNote(values.note);
    return async (api) => {
      const path = "/v1/admin/dead-letters/discards";
      let discarded = 0;
      for (let more = true; more; ) {
        const { value } = await change(api, "POST", path, { ...selection, note }, discardedShape);
        discarded += value.discarded;
        more = value.more;
      }
      return {
        lines: [`${amountOf(discarded, "letter")} discarded.`],
        raw: { discarded },
        exitCode: discarded === 0 ? exitCodes.no : exitCodes.yes,
      };
    };
  },
});
