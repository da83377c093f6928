import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { followFaults } from "../../../local/cli/faults.ts";
import { createFaults } from "../../../local/faults.ts";

test("faults follow a file: what it says now, nothing while there is none", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pennyline-"));
  const file = join(folder, "faults.json");
  const faults = createFaults(1);
  const printed: string[] = [];
  const stop = followFaults(file, faults, (message) => printed.push(message));
  onTestFinished(() => {
    stop();
    rmSync(folder, { recursive: true });
  });
  const becomes = (kind: string | undefined) =>
    expect.poll(() => faults.onInvocation("worker")?.kind, { timeout: 10_000 }).toBe(kind);

  expect(faults.onInvocation("worker")).toBeUndefined();
  writeFileSync(file, JSON.stringify({ functions: { worker: { throttle: 1 } } }));
  await becomes("throttle");
  writeFileSync(file, '{"functions":{"worker":{"sleepy":1}}}');
  await expect.poll(() => printed.at(-1), { timeout: 10_000 }).toContain("sleepy");
  expect(faults.onInvocation("worker")?.kind).toBe("throttle");
  rmSync(file);
  await becomes(undefined);
  expect(printed.at(-1)).toBe("no faults");
});
