import { runAdminCommand } from "./api/run-admin-command.ts";
import { describeProof } from "./proof/describe-proof.ts";
import { help, readOptions } from "./proof/options.ts";
import { readProof } from "./proof/read-proof.ts";

const exitCodes = { ok: 0, difference: 1 } as const;

await runAdminCommand({
  name: "proof",
  ...{ help, readOptions },
  async run(api, { json, baseUrl }) {
    const { proof, raw } = await readProof(api);
    const title = `The money of ${baseUrl} as of ${proof.asOf}`;
    const page = json
      ? JSON.stringify(raw, undefined, 2)
      : [title, "", ...describeProof(proof)].join("\n");
    const isRight = proof.ok && proof.differences.length === 0;
    return [page, isRight ? exitCodes.ok : exitCodes.difference];
  },
  adviceFor(status) {
    if (status === undefined) return "";
    if (status === 404) return "Check that --api (or PORT) is the address of a Pennyline API.";
    return "Try again; if it stays, look at the log of prove-money.";
  },
});
