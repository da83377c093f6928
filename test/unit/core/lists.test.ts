import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { articleIdSchema, type CreatorId } from "../../../core/contracts/ids.ts";
import { type PayoutState, payoutStates } from "../../../core/contracts/queries.ts";
import { listPayouts, type PayoutList } from "../../../core/payouts/list-payouts.ts";
import type { Payout } from "../../../core/payouts/payout.ts";
import type { Caller } from "../../../core/perimeter/caller.ts";
import { afterId, idOfCursor, matchingPage, maxRowsSeen } from "../../../core/perimeter/page.ts";
import { Problem } from "../../../core/perimeter/problem.ts";
import { micros } from "../../../core/values/micros.ts";

const publisher: Caller = { roles: ["publisher"], subject: "p" };
const startMs = Date.parse("2028-03-01T00:00:00Z");

function payout(sequence: number, atMs: number, state: PayoutState, creator = "ada"): Payout {
  return {
    ...{ creatorId: creator as CreatorId, sequence, state, currency: "USD" },
    ...{ amountMicros: micros(10_000), requestedAtMs: startMs + atMs },
    ...{ requestId: "r", requestedBy: "b", traceId: "t" },
  };
}

/** As the index answers: by time, and of one moment in the order in which they were put there. */
function listOf(payouts: readonly Payout[]): PayoutList {
  return {
    async *inState(state, { fromMs, toMs }) {
      const found = payouts.filter(
        ({ requestedAtMs: at, ...one }) => one.state === state && fromMs <= at && at <= toMs,
      );
      yield* found.sort((a, b) => b.requestedAtMs - a.requestedAtMs);
    },
    async payouts(creatorId, limit, before = Number.POSITIVE_INFINITY) {
      const own = payouts.filter((one) => one.creatorId === creatorId && one.sequence < before);
      return own.sort((a, b) => b.sequence - a.sequence).slice(0, limit);
    },
  };
}

async function allPages(
  list: (page: number) => PayoutList,
  query: Omit<Parameters<typeof listPayouts>[2], "cursor">,
) {
  const ids: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page === 0 || cursor !== undefined; page += 1) {
    const answer = await listPayouts(list(page), publisher, { ...query, cursor });
    ids.push(...answer.items.map(({ payoutId }) => payoutId));
    cursor = answer.nextCursor;
  }
  return ids;
}

describe("a list of payouts", () => {
  const some = fc.array(
    fc.record({ atMs: fc.nat(4), state: fc.constantFrom(...payoutStates), limit: fc.nat(3) }),
    { maxLength: 20 },
  );

  test("shows each payout once, latest first, however many are of one moment", async () => {
    await fc.assert(
      fc.asyncProperty(some, fc.integer({ min: 1, max: 5 }), async (drawn, limit) => {
        const payouts = drawn.map(({ atMs, state }, at) => payout(at + 1, atMs, state, `c${at}`));
        const ids = await allPages(() => listOf([...payouts]), { limit });
        expect(new Set(ids).size).toBe(payouts.length);
        expect(ids).toHaveLength(payouts.length);
        const time = new Map(payouts.map((one) => [`${one.creatorId}`, one.requestedAtMs]));
        const times = ids.map((id) => time.get(id.split(".")[0] ?? "") ?? 0);
        expect(times).toEqual([...times].sort((a, b) => b - a));
      }),
    );
  });

  test("skips and repeats none while others come and results are recorded", async () => {
    await fc.assert(
      fc.asyncProperty(some, fc.integer({ min: 1, max: 3 }), async (drawn, limit) => {
        const payouts = drawn.map(({ atMs }, at) => payout(at + 1, atMs, "reserved", `c${at}`));
        const atPage = (page: number) => [
          ...payouts.map(
            (one, at) => ({ ...one, state: at < page ? "paid" : one.state }) as Payout,
          ),
          ...Array.from({ length: page }, (_, at) => payout(1, 10 + at, "reserved", `new${at}`)),
        ];
        const ids = await allPages((page) => listOf(atPage(page)), { limit });
        expect(ids.filter((id) => id.startsWith("c")).sort()).toEqual(
          payouts.map((one) => `${one.creatorId}.${String(one.sequence).padStart(10, "0")}`).sort(),
        );
      }),
    );
  });

  test("of a creator is cut off by days, state and cursor alike", async () => {
    const dayMs = 86_400_000;
    const payouts = [1, 2, 3, 4].map((n) => payout(n, n * dayMs, n === 3 ? "failed" : "paid"));
    const creatorId = "ada" as CreatorId;
    const list = () => listOf([...payouts, payout(1, 2 * dayMs, "paid", "ben")]);
    const range = { from: "2028-03-02", to: "2028-03-04" };
    expect(await allPages(list, { limit: 1, creatorId, ...range })).toEqual(
      [3, 2, 1].map((n) => `ada.000000000${n}`),
    );
    const state = "failed" as const;
    expect(await allPages(list, { limit: 5, creatorId, state })).toEqual(["ada.0000000003"]);
    const cursor = `${startMs}.ben.0000000001`;
    const others = listPayouts(list(), publisher, { limit: 5, creatorId, cursor });
    await expect(others).rejects.toThrow("cursor");
  });

  test.each(["x", "1.ada.0000000001", `${startMs}.ada`, `${startMs}.a/b.0000000001`])(
    "refuses the cursor %s",
    async (cursor) => {
      await expect(listPayouts(listOf([]), publisher, { limit: 1, cursor })).rejects.toThrow(
        Problem,
      );
    },
  );

  test("with a cursor from before its days is empty", async () => {
    const query = { limit: 1, from: "2028-03-09", cursor: `${startMs}.ada.0000000001` };
    expect(await listPayouts(listOf([]), publisher, query)).toEqual({ items: [] });
  });
});

describe("a page of what matches", () => {
  async function* rows(count: number) {
    for (let row = 0; row < count; row += 1) yield row;
  }
  const page = (matches: (row: number) => boolean, count = 20_000) =>
    matchingPage(rows(count), 2, { matches, cursorOf: String });

  test("ends when it is full, where there is nothing more, or when enough was looked at", async () => {
    expect(await page((row) => row > 5)).toEqual({ rows: [6, 7], next: { nextCursor: "7" } });
    expect(await page((row) => row === 3, 10)).toEqual({ rows: [3], next: {} });
    expect(await page(() => false)).toEqual({
      ...{ rows: [], next: { nextCursor: String(maxRowsSeen - 1) } },
    });
  });

  test("takes only cursors that its own list gave", () => {
    const id = articleIdSchema.parse("/a b/é~%41");
    expect(idOfCursor("article", articleIdSchema, afterId("article", id))).toBe(id);
    for (const cursor of ["", "nonsense", "article.", "creator.a", "article.%41", "article.~zz"]) {
      expect(() => idOfCursor("article", articleIdSchema, cursor), cursor).toThrow("nextCursor");
    }
    const long = `article.${"a".repeat(600)}`;
    expect(() => idOfCursor("article", articleIdSchema, long)).toThrow("nextCursor");
  });
});
