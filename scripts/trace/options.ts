import { UsageError } from "../../local/cli/options.ts";
import { type AdminOptions, adminHelp, readAdminOptions } from "../api/admin-options.ts";

export interface TraceOptions extends AdminOptions {
  readonly id: string;
}

export const help = `Prints the life of one request, from the API over bus, queues and workers into the ledger.

  npm run trace -- <id> [options]

  <id>             a trace id or a whole traceparent (answers carry one), or the id of a job or of
                   a ledger entry

${adminHelp}
  --json           print the answer of GET /v1/admin/traces/{traceId} as it is
  --help           this text

Exit code: 0 when nothing in it failed, 1 when something did, 2 when nothing is known of it, or it
could not be asked.
`;

/** @throws UsageError that says what to change. */
export function readOptions(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): TraceOptions | "help" {
  const options = readAdminOptions("trace", args, env);
  if (options === "help") return "help";
  const [id, ...others] = options.words;
  if (id === undefined || others.length > 0) {
    throw new UsageError("give one id: npm run trace -- <id>");
  }
  return { ...options, id };
}
