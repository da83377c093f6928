import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
/** `new Problem(404, "code"`, `problems.conflict("code"`, `failed("code"`, `code: "code"` of a job's. */
const codes =
  /(?:new Problem\(\s*\d+,|problems\.conflict\(|return failed\(|\bcode:)\s*"([a-z]+(?:-[a-z]+)*)"/g;

test("docs/api.md lists the code of every problem", () => {
  const [, listed = ""] = /\*\*Errors\*\*(.*?)\n- \*\*/s.exec(text("docs/api.md")) ?? [];
  const used = readdirSync(join(root, "core"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.startsWith("contracts"))
    .flatMap((path) => [...text(join("core", path)).matchAll(codes)].map(([, code]) => code));
  expect(used.length).toBeGreaterThan(40);
  expect([...new Set(used)].filter((code) => !listed.includes(`\`${code}\``))).toEqual([]);
});

function text(path: string): string {
  return readFileSync(join(root, path), "utf8");
}
