import { roles } from "../core/contracts/routes.ts";
import { parseOptions, runCommand, startedDataDir, UsageError } from "../local/cli/options.ts";
import { readDevIssuer } from "../local/dev-issuer.ts";

const help = `Prints a JWT for the embedded cloud that runs on the same PORT and --data-dir.

  npm run token -- --role ${roles.join("|")} [--id ID] [--ttl SECONDS] [--data-dir DIR]

  --role   the scope of the token
  --id     whose token it is: for a creator, the creator's id (default: the role)
  --ttl    seconds until it expires (default: 43200)
`;

await runCommand(async () => {
  const values = parseOptions(
    {
      role: { type: "string" },
      id: { type: "string" },
      ttl: { type: "string", default: "43200" },
      "data-dir": { type: "string" },
      help: { type: "boolean", default: false },
    },
    help,
  );
  if (values.help) {
    process.stderr.write(help);
    return;
  }
  const role = roles.find((known) => known === values.role);
  if (role === undefined) throw new UsageError(`--role must be ${roles.join(", ")}\n\n${help}`);
  if (role === "creator" && values.id === undefined) {
    throw new UsageError(`a creator's token needs the creator's id: --id c1\n\n${help}`);
  }
  const ttlSeconds = Number(values.ttl);
  if (!Number.isInteger(ttlSeconds)) throw new UsageError("--ttl must be a number of seconds");
  const { issuer } = startedDataDir(values["data-dir"]);
  const { mintToken } = await readDevIssuer(issuer);
  process.stdout.write(`${await mintToken({ role, id: values.id ?? role, ttlSeconds })}\n`);
});
