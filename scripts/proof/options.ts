import { parseArgs } from "node:util";
import { copyOptions, UsageError } from "../../local/cli/options.ts";
import type { Connection } from "../api/connect.ts";
import { nonEmpty, readApiUrl } from "../api/options.ts";

export interface ProofOptions extends Connection {
  /** Print the API's answer as it is. */
  readonly json: boolean;
}

export const help = `Checks that money adds up: every engagement in the counters, every counter in the ledger.

  npm run proof -- [options]

  --data-dir DIR   folder of the embedded cloud that runs on PORT (default .pennyline/$PORT;
                   PORT is 4000 when unset)
  --api URL        a deployed stack instead
  --token JWT      a token with the scope admin; also PENNYLINE_ADMIN_TOKEN
                   (for the embedded cloud one is made from its data folder)
  --json           print the answer of GET /v1/admin/proof as it is
  --help           this text

Exit code: 0 when everything adds up, 1 when something does not, 2 when it could not be asked.
`;

/** @throws UsageError that says what to change. */
export function readOptions(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): ProofOptions | "help" {
  const values = parse(args);
  if (values.help) return "help";
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
    ...{ dataDir, tokens: { admin }, name: "proof" },
    json: values.json ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        "data-dir": { type: "string" },
        api: { type: "string" },
        token: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
