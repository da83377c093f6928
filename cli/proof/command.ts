import { adminCommand } from "../api/admin-command.ts";
import { exitCodes, noWords } from "../program/command.ts";
import { describeProof, isRight } from "./describe-proof.ts";
import { readProof } from "./read-proof.ts";

export const proof = adminCommand({
  name: "proof",
  summary: "Checks that money adds up: engagements in counters, counters in the ledger.",
  usage: ["[options]"],
  options: {},
  exits: "0 when everything adds up, 1 when something does not.",
  read({ words }) {
    noWords(words);
    return async (api, { baseUrl }) => {
      const { value, raw } = await readProof(api);
      const title = `The money of ${baseUrl} as of ${value.asOf}`;
      const lines = [title, "", ...describeProof(value)];
      return { lines, raw, exitCode: isRight(value) ? exitCodes.yes : exitCodes.no };
    };
  },
});
