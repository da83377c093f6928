import { roles } from "../../core/contracts/routes.ts";
import { UsageError } from "../../local/cli/options.ts";
import { readDevIssuer } from "../../local/dev-issuer.ts";
import { dataDirOption, startedDataDir } from "../api/started-data-dir.ts";
import { command, exitCodes, noWords, wholeNumber } from "../program/command.ts";
import { choiceOf } from "../text.ts";

const usualTtlSeconds = "43200";
const maxTtlSeconds = 31_536_000;

export const token = command({
  name: "token",
  summary: "Prints a JWT for the copy that runs on this machine.",
  usage: ["--role ROLE [--id ID] [options]"],
  options: {
    role: { type: "string", value: "ROLE", text: `the scope of the token: ${choiceOf(roles)}` },
    id: {
      type: "string",
      value: "ID",
      text: "whose token it is: for a creator, the creator's id (default: the role)",
    },
    ttl: {
      type: "string",
      value: "SECONDS",
      text: `how long it is valid (default ${usualTtlSeconds})`,
    },
    ...dataDirOption,
  },
  exits: "0 when it is printed.",
  read({ words, values, env }) {
    noWords(words);
    const role = roles.find((known) => known === values.role);
    if (role === undefined) throw new UsageError(`--role must be ${choiceOf(roles)}`);
    if (role === "creator" && values.id === undefined) {
      throw new UsageError("a creator's token needs the creator's id: --id ada");
    }
    const ttlSeconds = wholeNumber("ttl", values.ttl ?? usualTtlSeconds, 1, maxTtlSeconds);
    return async ({ print }) => {
      const { issuer } = startedDataDir(values["data-dir"], env);
      const { mintToken } = await readDevIssuer(issuer);
      print(await mintToken({ role, id: values.id ?? role, ttlSeconds }));
      return exitCodes.yes;
    };
  },
});
