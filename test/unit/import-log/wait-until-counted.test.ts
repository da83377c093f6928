import { describe, expect, it } from "vitest";
import type { Api } from "../../../scripts/import-log/api-client.ts";
import { ApiFailure } from "../../../scripts/import-log/api-client.ts";
import { expectedCounts } from "../../../scripts/import-log/expected-counts.ts";
import { readProof } from "../../../scripts/import-log/read-account.ts";
import { articleRegistrar } from "../../../scripts/import-log/register-articles.ts";
import { sender } from "../../../scripts/import-log/send.ts";
import { waitUntilCounted } from "../../../scripts/import-log/wait-until-counted.ts";
import { simpleApi } from "./simple-api.ts";

const quietMs = 3_000;
const patienceMs = 60_000;

/** Sends ten views, then waits; `each` happens whenever the importer sleeps. */
async function importTen(there: ReturnType<typeof simpleApi>, each: (slept: number) => void) {
  const api: Api = async (request) => {
    if (request.as === "admin" && !there.state.adminMayProve) throw new ApiFailure("no", 403);
    return await there.api(request);
  };
  const proofBefore = await readProof(api);
  const expected = expectedCounts();
  const send = sender({ api, expected, registrar: articleRegistrar(api) });
  for (let reader = 0; reader < 10; reader += 1) {
    const occurredAt = "2026-01-02T03:04:05.000Z";
    await send.add({ articleId: "/a/b", readerId: `r${reader}`, kind: "view", occurredAt }, "a");
  }
  await send.finish();
  let nowMs = 0;
  let sleeps = 0;
  const sleep = async (delayMs: number) => {
    nowMs += delayMs;
    sleeps += 1;
    each(sleeps);
  };
  const waited = await waitUntilCounted({
    api,
    expected,
    proofBefore,
    quietMs,
    patienceMs,
    clock: { nowMs: () => nowMs },
    pacing: { sleep, random: () => 0.5 },
  });
  return { ...waited, tookMs: nowMs };
}

describe("waitUntilCounted", () => {
  it("ends as soon as everything new is counted", async () => {
    const there = simpleApi();
    const { articles, missing, tookMs } = await importTen(there, () => there.countAll(4));
    expect(missing).toBe(0);
    expect(articles).toMatchObject([{ creatorId: "a", articleId: "/a/b", views: 10 }]);
    expect(tookMs).toBeLessThan(quietMs);
  });

  it("waits for stillness when everything was counted before", async () => {
    const there = simpleApi();
    await importTen(there, () => there.countAll());
    const { articles, missing, tookMs } = await importTen(there, () => there.countAll());
    expect(missing).toBe(0);
    expect(articles).toMatchObject([{ views: 10 }]);
    expect(tookMs).toBeGreaterThanOrEqual(quietMs);
    expect(tookMs).toBeLessThan(patienceMs);
  });

  it("is not fooled by a pause", async () => {
    const there = simpleApi();
    const { missing } = await importTen(there, (slept) => {
      there.countAll(slept > 8 ? 10 : slept === 1 ? 3 : 0);
    });
    expect(missing).toBe(0);
  });

  it("gives up when nothing moves, and says how much is missing", async () => {
    const there = simpleApi();
    const { missing, articles, tookMs } = await importTen(there, (slept) => {
      there.countAll(slept === 1 ? 7 : 0);
    });
    expect(missing).toBe(3);
    expect(articles).toMatchObject([{ views: 7 }]);
    expect(tookMs).toBeGreaterThanOrEqual(patienceMs);
  });

  it("does not wait for what was rejected after acceptance", async () => {
    const there = simpleApi();
    const { missing, tookMs } = await importTen(there, (slept) => {
      there.countAll(slept === 1 ? 8 : 0);
      there.state.rejectedLater = 2;
    });
    expect(missing).toBe(0);
    expect(tookMs).toBeLessThan(patienceMs);
  });

  it("goes by the creators' earnings when the token may not prove", async () => {
    const there = simpleApi({ adminMayProve: false });
    const { missing, articles } = await importTen(there, () => there.countAll(2));
    expect(missing).toBe(0);
    expect(articles).toMatchObject([{ views: 10 }]);
  });
});
