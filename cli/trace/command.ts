import { adminCommand } from "../api/admin-command.ts";
import { exitCodes, oneWord } from "../program/command.ts";
import { describeTrace } from "./describe-trace.ts";
import { readTrace } from "./read-trace.ts";

export const trace = adminCommand({
  name: "trace",
  summary: "Shows the life of one request, over bus, queues and workers into the ledger.",
  usage: ["<id> [options]"],
  about: [
    "<id> is a trace id or a whole traceparent (answers carry one), or the id of a job or of a " +
      "ledger entry.",
  ],
  options: {},
  exits: "0 when nothing in it failed, 1 when something did.",
  read({ words }) {
    const id = oneWord(words, "one id: npx pennyline trace <id>");
    return async (api) => {
      const { value, raw } = await readTrace(api, id);
      const exitCode = value.outcome === "ok" ? exitCodes.yes : exitCodes.no;
      return { lines: describeTrace(value, Date.now()), raw, exitCode };
    };
  },
});
