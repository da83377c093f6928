import { parseArgs } from "node:util";
import { copyOptions, UsageError } from "../../local/cli/options.ts";
import type { Connection } from "../api/connect.ts";
import { nonEmpty, readApiUrl } from "../api/options.ts";

export interface TraceOptions extends Connection {
  readonly id: string;
  /** Print the API's answer as it is. */
  readonly json: boolean;
}

export const help = `Prints the life of one request, from the API over bus, queues and workers into the ledger.

  npm run trace -- <id> [options]

  <id>             a trace id or a whole traceparent (answers carry one), or the id of a job or of
                   a ledger entry

  --data-dir DIR   folder of the embedded cloud that runs on PORT (default .pennyline/$PORT;
                   PORT is 4000 when unset)
  --api URL        a deployed stack instead
  --token JWT      a token with the scope admin; also PENNYLINE_ADMIN_TOKEN
                   (for the embedded cloud one is made from its data folder)
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
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const [id, ...others] = positionals;
  if (id === undefined || others.length > 0)
    throw new UsageError("give one id: npm run trace -- <id>");
  const apiUrl = readApiUrl(values.api);
  const admin = nonEmpty(values.token) ?? nonEmpty(env.PENNYLINE_ADMIN_TOKEN);
  if (apiUrl !== undefined && admin === undefined) {
    throw new UsageError(
      "--api needs --token (or PENNYLINE_ADMIN_TOKEN): a JWT with the scope admin",
    );
  }
  const { port, dataDir } = copyOptions(values["data-dir"], env);
  return {
    baseUrl: apiUrl ?? `http://127.0.0.1:${port}`,
    ...{ dataDir, tokens: { admin }, name: "trace", id },
    json: values.json ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        "data-dir": { type: "string" },
        api: { type: "string" },
        token: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
