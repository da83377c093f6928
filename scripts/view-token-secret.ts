import { parseOptions, runCommand, startedDataDir } from "../local/cli/options.ts";
import { readSecretValues } from "../local/secrets.ts";

const help = `Prints the secret that signs view tokens on the embedded cloud, as JSON.

  npm run view-token-secret -- [--data-dir DIR]      (the same PORT and --data-dir as the copy)
`;

await runCommand(async () => {
  const values = parseOptions({ "data-dir": { type: "string" }, help: { type: "boolean" } }, help);
  if (values.help) {
    process.stderr.write(help);
    return;
  }
  const { secrets } = startedDataDir(values["data-dir"]);
  const [secret] = readSecretValues(secrets);
  process.stdout.write(`${secret}\n`);
});
