import { readSecretValues } from "../../local/secrets.ts";
import { dataDirOption, startedDataDir } from "../api/started-data-dir.ts";
import { command, exitCodes, noWords } from "../program/command.ts";

export const viewTokenSecret = command({
  name: "view-token-secret",
  summary: "Prints the secret that signs view tokens on the copy that runs on this machine.",
  usage: ["[options]"],
  about: ["It is JSON, as it is in Secrets Manager."],
  options: dataDirOption,
  exits: "0 when it is printed.",
  read({ words, values, env }) {
    noWords(words);
    return async ({ print }) => {
      const [secret = ""] = readSecretValues(startedDataDir(values["data-dir"], env).secrets);
      print(secret);
      return exitCodes.yes;
    };
  },
});
