import { existsSync } from "node:fs";
import { copyOptions } from "../../local/cli/options.ts";
import { type DataDir, dataDirAt } from "../../local/data-dir.ts";
import type { OptionSpecs } from "../program/command.ts";
import { Unanswered } from "../program/unanswered.ts";
import { connectionOptions } from "./connection.ts";

export const dataDirOption = {
  "data-dir": connectionOptions["data-dir"],
} as const satisfies OptionSpecs;

/** The folder of a copy that has run before. @throws Unanswered */
export function startedDataDir(option: string | undefined, env: NodeJS.ProcessEnv): DataDir {
  const { port, dataDir } = copyOptions(option, env);
  const folder = dataDirAt(dataDir);
  if (existsSync(folder.issuer) && existsSync(folder.secrets)) return folder;
  throw new Unanswered(
    `nothing has run on port ${port} with the folder ${dataDir}: run npm start first, and give ` +
      "this command the same PORT and --data-dir",
  );
}
