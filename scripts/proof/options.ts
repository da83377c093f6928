import { UsageError } from "../../local/cli/options.ts";
import { type AdminOptions, adminHelp, readAdminOptions } from "../api/admin-options.ts";

export type ProofOptions = AdminOptions;

export const help = `Checks that money adds up: every engagement in the counters, every counter in the ledger.

  npm run proof -- [options]

${adminHelp}
  --json           print the answer of GET /v1/admin/proof as it is
  --help           this text

Exit code: 0 when everything adds up, 1 when something does not, 2 when it could not be asked.
`;

/** @throws UsageError that says what to change. */
export function readOptions(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): ProofOptions | "help" {
  const options = readAdminOptions("proof", args, env);
  if (options !== "help" && options.words.length > 0) {
    throw new UsageError(`unexpected argument ${JSON.stringify(options.words[0])}`);
  }
  return options;
}
