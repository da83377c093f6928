import { runAdminCommand } from "./api/run-admin-command.ts";
import { describeTrace } from "./trace/describe-trace.ts";
import { help, readOptions } from "./trace/options.ts";
import { readTrace } from "./trace/read-trace.ts";

const exitCodes = { ok: 0, failed: 1 } as const;

await runAdminCommand({
  name: "trace",
  ...{ help, readOptions },
  async run(api, { id, json }) {
    const { trace, raw } = await readTrace(api, id);
    const page = json ? JSON.stringify(raw, undefined, 2) : describeTrace(trace).join("\n");
    return [page, exitCodes[trace.outcome]];
  },
  // The answer says it itself.
  adviceFor: () => "",
});
