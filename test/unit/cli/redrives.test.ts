import { describe, expect, test } from "vitest";
import type { Api, ApiAnswer } from "../../../cli/api/api-client.ts";
import { describeRedrives, verdictOn } from "../../../cli/redrive/describe-redrives.ts";
import { follow, isSettled, redriveAll } from "../../../cli/redrive/redrives.ts";

const idOf = (n: number) => `letter-${n}`;
const letterIds = (count: number) => Array.from({ length: count }, (_, n) => idOf(n));

/** What redrives letters, ten at each look; of those it is told about, some fail and some are gone. */
function redriver({ failing = [] as string[], gone = [] as string[] } = {}) {
  const asked: { letterIds: string[]; ratePerSecond?: number; note: string }[] = [];
  const sent = new Map<string, number>();
  const answerOf = (redriveId: string): ApiAnswer => {
    const [at, done] = [Number(redriveId), sent.get(redriveId) ?? 0];
    const letters = (asked[at]?.letterIds ?? []).map((letterId, index) => {
      const settled = failing.includes(letterId) ? "failed-again" : "succeeded";
      return { letterId, outcome: index < done ? settled : "queued" };
    });
    const counts: Record<string, number> = {};
    for (const { outcome } of letters) counts[outcome] = (counts[outcome] ?? 0) + 1;
    return { status: 202, body: { redriveId, ratePerSecond: 10, counts, letters } };
  };
  const api: Api = async ({ method, path, body }) => {
    const [, id] = /redrives\/(.*)$/.exec(path) ?? [];
    if (method === "GET" && id !== undefined) return answerOf(id);
    const wanted = body as (typeof asked)[number];
    const redrivable = wanted.letterIds.filter((letterId) => !gone.includes(letterId));
    if (redrivable.length === 0) return { status: 409, body: { detail: "Nothing." } };
    asked.push({ ...wanted, letterIds: redrivable });
    return answerOf(String(asked.length - 1));
  };
  const told: string[] = [];
  let nowMs = 0;
  const waiting = {
    tell: (text: string) => void told.push(text),
    clock: { nowMs: () => nowMs },
    pacing: {
      sleep: async (delayMs: number) => {
        nowMs += delayMs;
        for (const [at] of asked.entries()) sent.set(String(at), (sent.get(String(at)) ?? 0) + 250);
      },
    },
  };
  return { api, asked, told, waiting };
}

describe("redriveAll", () => {
  test("Q11: asks for each letter once, the next part when the one before was sent", async () => {
    const { api, asked, waiting } = redriver({ failing: [idOf(1)] });
    const wanted = { letterIds: letterIds(1_100), ratePerSecond: 50, note: "mended" };
    const redrives = await redriveAll(api, wanted, waiting);
    expect(asked.map((one) => one.letterIds.length)).toEqual([500, 500, 100]);
    expect(new Set(asked.flatMap((one) => one.letterIds)).size).toBe(1_100);
    expect(asked[0]).toMatchObject({ ratePerSecond: 50, note: "mended" });
    expect(redrives.map(({ counts }) => counts)).toEqual([
      { succeeded: 499, "failed-again": 1 },
      { succeeded: 500 },
      { queued: 100 },
    ]);
  });

  test("goes on where nothing of a part can be redriven", async () => {
    const { api, waiting } = redriver({ gone: letterIds(500) });
    const redrives = await redriveAll(
      api,
      { letterIds: letterIds(501), ratePerSecond: undefined, note: "mended" },
      waiting,
    );
    expect(redrives.map((one) => one.letters.map(({ letterId }) => letterId))).toEqual([
      [idOf(500)],
    ]);
  });
});

test("follow looks until all is known, and tells of each change once", async () => {
  const { api, told, waiting } = redriver({ failing: [idOf(0)] });
  const wanted = { letterIds: letterIds(300), ratePerSecond: undefined, note: "mended" };
  const [redrive] = await redriveAll(api, wanted, waiting);
  if (!redrive) throw new Error("it was asked for");
  const settled = await follow(api, redrive, isSettled, waiting);
  expect(settled.counts).toEqual({ succeeded: 299, "failed-again": 1 });
  expect(told).toEqual([
    "redrive 0: 300 queued",
    "redrive 0: 1 failed again, 249 succeeded, 50 queued",
  ]);
  expect(describeRedrives({ redrives: [settled], refused: [] })).toEqual([
    "letter    outcome",
    "letter-0  failed again",
    "",
    "Redrive 0: 1 failed again, 299 succeeded.",
  ]);
});

test("follow gives up when nothing is heard for an hour", async () => {
  const redrive = { redriveId: "0", ratePerSecond: 10, counts: { waiting: 1 }, letters: [] };
  let nowMs = 0;
  const waiting = {
    ...{ tell: () => {}, clock: { nowMs: () => nowMs } },
    pacing: {
      sleep: async (delayMs: number) => {
        nowMs += delayMs;
      },
    },
  };
  const api: Api = async () => ({ status: 200, body: redrive });
  expect(await follow(api, redrive, isSettled, waiting)).toMatchObject(redrive);
  expect(nowMs).toBeLessThan(3_700_000);
});

test.each([
  [{ succeeded: 2 }, [], true, 0],
  [{ succeeded: 1, skipped: 1 }, [], true, 1],
  [{ discarded: 1 }, [], true, 1],
  [{ succeeded: 1, "failed-again": 1 }, [], true, 1],
  [{ "failed-again": 1 }, [], false, 1],
  [{ waiting: 1 }, [], true, 1],
  [{ waiting: 1, queued: 1 }, [], false, 0],
  [{ succeeded: 1 }, ["gone"], true, 1],
])("the verdict on %j, refused %j, waited for: %j", (counts, refused, waited, expected) => {
  const letters = Object.values(counts).flatMap((count) => Array(count).fill({}));
  const redrive = { redriveId: "0", ratePerSecond: 10, counts, letters };
  expect(verdictOn({ redrives: [redrive as never], refused }, waited)).toBe(expected);
});
