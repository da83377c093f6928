import { parseArgs } from "node:util";
import { copyOptions, UsageError } from "../../local/cli/options.ts";
import type { Connection } from "./connect.ts";
import { nonEmpty, readApiUrl } from "./options.ts";

export interface AdminOptions extends Connection {
  /** What the command is about, in its order. */
  readonly words: readonly string[];
  /** Print the API's answer as it is. */
  readonly json: boolean;
}

/** The part of a command's help that tells whom it asks. */
export const adminHelp = `  --data-dir DIR   folder of the embedded cloud that runs on PORT (default .pennyline/$PORT;
                   PORT is 4000 when unset)
  --api URL        a deployed stack instead
  --token JWT      a token with the scope admin; also PENNYLINE_ADMIN_TOKEN
                   (for the embedded cloud one is made from its data folder)`;

/**
 * Options of a command that asks as an admin.
 * @param name of the command, as the subject of tokens that are made here.
 * @throws UsageError that says what to change.
 */
export function readAdminOptions(
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): AdminOptions | "help" {
  const { values, positionals: words } = parse(args);
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
    ...{ dataDir, tokens: { admin }, name, words },
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
