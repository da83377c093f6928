import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readDevIssuer } from "../../local/dev-issuer.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, temporaryFolder } from "./support/cloud.ts";
import { startProgram } from "./support/program.ts";

const dataDir = temporaryFolder();
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

describe("R1: killed with kill -9 under load", () => {
  test("what was answered 202 is counted once after the restart, and the proof is ok", async () => {
    const { program, url } = await startProgram(["--data-dir", dataDir]);
    const { mintToken } = await readDevIssuer(join(dataDir, "dev-issuer.json"));
    const api = await apiClient({ url, mintToken });
    await api.putArticle("r1", "r1");
    const accepted = new Set<string>();
    const load = Array.from({ length: 8 }, (_, lane) => reportUntilDead(api, lane, accepted));
    await expect.poll(() => accepted.size, { timeout: 30_000 }).toBeGreaterThan(1_000);
    program.kill("SIGKILL");
    await once(program, "exit");
    await Promise.all(load);

    const cloud = await startTestCloud({ dataDir });
    const restarted = await apiClient(cloud);
    await cloud.waitUntilIdle();
    await cloud.fireSchedule("pennyline-local-settle-earnings");
    await cloud.waitUntilIdle();
    const { settledMicros, pendingMicros } = await restarted.balance("r1");
    expect(pendingMicros).toBe("0");
    // A request that was cut off may have been accepted without its answer arriving.
    const counted = Number(settledMicros) / 1_000;
    expect(counted).toBeGreaterThanOrEqual(accepted.size);
    expect(await restarted.proof()).toMatchObject({ ok: true, quiet: true });
    // Sending everything that was accepted again adds nothing: each of them was counted.
    await restarted.postViews("r1", [...accepted]);
    await cloud.waitUntilIdle();
    expect(await restarted.balance("r1")).toMatchObject({ settledMicros, pendingMicros: "0" });
    await stopTestCloud(cloud);
  });
});

async function reportUntilDead(api: ApiClient, lane: number, accepted: Set<string>) {
  for (let round = 0; ; round += 1) {
    const readers = Array.from({ length: 20 }, (_, index) => `${lane}-${round}-${index}`);
    try {
      await api.postViews("r1", readers);
    } catch {
      return;
    }
    for (const reader of readers) accepted.add(reader);
  }
}
