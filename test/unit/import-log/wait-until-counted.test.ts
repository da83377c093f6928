import { describe, expect, it } from "vitest";
import { type Api, ApiFailure } from "../../../cli/api/api-client.ts";
import { expectedCounts } from "../../../cli/import-log/expected-counts.ts";
import { articleRegistrar } from "../../../cli/import-log/register-articles.ts";
import { sender } from "../../../cli/import-log/send.ts";
import { waitUntilCounted } from "../../../cli/import-log/wait-until-counted.ts";
import { readProofIfAllowed } from "../../../cli/proof/read-proof.ts";
import { simpleApi } from "./simple-api.ts";

const quietMs = 3_000;
const patienceMs = 60_000;

const readerAt = (index: number): { readerId: string; userAgent?: string } => ({
  readerId: `r${index}`,
});

/** Sends ten views, then waits; `each` happens whenever the importer sleeps. */
async function importTen(
  there: ReturnType<typeof simpleApi>,
  each: (slept: number) => void,
  reader = readerAt,
) {
  const api: Api = async (request) => {
    if (request.as === "admin" && !there.state.adminMayProve) throw new ApiFailure("no", 403);
    return await there.api(request);
  };
  const proofBefore = await readProofIfAllowed(api);
  const expected = expectedCounts();
  const send = sender({ api, expected, registrar: articleRegistrar(api) });
  for (let index = 0; index < 10; index += 1) {
    const occurredAt = "2026-01-02T03:04:05.000Z";
    const view = { articleId: "/a/b", kind: "view" as const, occurredAt, ...reader(index) };
    await send.add(view, { creatorId: "a", isBot: view.userAgent !== undefined });
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

  it.each([true, false])("takes what is held or void for counted (%s)", async (adminMayProve) => {
    const there = simpleApi({ adminMayProve });
    const { missing, articles, tookMs } = await importTen(
      there,
      () => there.countAll(4),
      (index) => ({
        readerId: index < 5 ? `hasty-${index}` : `r${index}`,
        ...(index > 6 ? { userAgent: "a bot" } : {}),
      }),
    );
    expect(missing).toBe(0);
    expect(articles).toMatchObject([
      { views: 7, held: { over_rate: 5 }, void: { bot: 3 }, paidMicros: 2_000n },
    ]);
    expect(tookMs).toBeLessThan(patienceMs);
  });

  it("reads the accounts of all who have, or had, a part of an article", async () => {
    const there = simpleApi();
    const shares = [{ creatorId: "a" }, { creatorId: "b" }];
    there.articles.set("/a/b", { articleId: "/a/b", shares });
    const { missing, articles } = await importTen(there, () => there.countAll());
    expect(missing).toBe(0);
    expect(articles).toMatchObject([
      { creatorId: "a", views: 10 },
      { creatorId: "b", views: 10 },
    ]);
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
