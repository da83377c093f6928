import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { repository, startProgram } from "./support/program.ts";

test("the README's walk does what it says", async () => {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  const walk = /<!-- walk -->\n```sh\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const port = String(await freePort());
  // Without --data-dir, as a newcomer starts it: each port has its own folder.
  const { program } = await startProgram([], port);
  try {
    const { stdout, stderr } = await promisify(execFile)(
      "bash",
      ["-euo", "pipefail", "-c", walk.replaceAll(":4000", `:${port}`)],
      { cwd: repository, env: { ...process.env, PORT: port } },
    );
    const answers = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers, stderr).toHaveLength(8);
    const [article, first, second, third, balance, earnings, ledger, proof] = answers;
    expect(article).toMatchObject({ articleId: "chapter-1", creatorId: "ada" });
    for (const answer of [first, second, third]) {
      expect(answer).toEqual({ accepted: 1, rejected: [] });
    }
    const total = BigInt(balance.settledMicros) + BigInt(balance.pendingMicros);
    expect(total).toBe(1_000n);
    expect(earnings.items).toMatchObject([{ articleId: "chapter-1", views: 1, micros: "1000" }]);
    expect(ledger.items.length).toBeLessThanOrEqual(1);
    expect(proof).toMatchObject({ ok: true, differences: [] });
  } finally {
    program.kill("SIGTERM");
    await once(program, "exit");
    rmSync(join(repository, ".pennyline", port), { recursive: true, force: true });
  }
});
