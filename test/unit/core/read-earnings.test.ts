import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import { pricedKinds } from "../../../core/contracts/kinds.ts";
import { limits } from "../../../core/contracts/limits.ts";
import { earningsQuerySchema } from "../../../core/contracts/queries.ts";
import {
  addLine,
  type Counter,
  effectOfLines,
  type LineTotal,
  noLine,
  pendingLines,
} from "../../../core/earnings/counter.ts";
import { type LineKey, lineKey, type Movement, movements } from "../../../core/earnings/line.ts";
import { type BalanceReader, readBalance } from "../../../core/earnings/read-balance.ts";
import { readEarnings } from "../../../core/earnings/read-earnings.ts";
import { emptyAccount, type LedgerAccount } from "../../../core/ledger/entry.ts";
import { type Micros, micros } from "../../../core/values/micros.ts";
import { dayMs, type UtcDay, utcDayOf } from "../../../core/values/time.ts";

const creatorId = "ada" as CreatorId;
const startMs = Date.parse("2028-02-29T12:00:00Z");
const clock = { nowMs: () => startMs };
const dayAt = (ago: number) => utcDayOf(startMs - ago * dayMs);

function counterOf(
  {
    articleId = "/a",
    day = dayAt(0),
    shard = 0,
  }: Partial<Record<"articleId" | "day", string>> & {
    shard?: number;
  },
  lines: readonly (readonly [LineKey, LineTotal])[],
): Counter {
  const counted = new Map<LineKey, LineTotal>();
  for (const [key, total] of lines) addLine(counted, key, total);
  const id = { creatorId, articleId: articleId as ArticleId, day: day as UtcDay, shard };
  const times = { dueSinceMs: undefined, heldAtMs: undefined, freedAtMs: undefined };
  return { id, counted, settled: new Map(), events: 0n, drains: 0, ...times };
}

const amounts = fc.bigInt({ min: 0n, max: 2n ** 70n });
const lines = fc.array(
  fc
    .record({
      kind: fc.constantFrom(...pricedKinds),
      model: fc.constantFrom("rates", "pool"),
      card: fc.constantFrom("0", "a1", "c2"),
      movement: fc.constantFrom(...(Object.keys(movements) as Movement[])),
      reason: fc.constantFrom(undefined, "over_rate", "manual"),
      count: fc.bigInt({ min: 1n, max: 1_000n }),
      micros: amounts,
      feeMicros: amounts,
    })
    .map(({ count, micros: amount, feeMicros, reason, ...parts }) => {
      const key = lineKey({
        ...{ ...parts, sharesVersion: 1 },
        ...(reason === undefined ? {} : { reason }),
      } as Parameters<typeof lineKey>[0]);
      const total = { ...noLine, count, micros: amount as Micros, feeMicros: feeMicros as Micros };
      return [key, total] as const;
    }),
  { maxLength: 8 },
);

/** In the order in which the table holds them. */
const counters = fc
  .uniqueArray(
    fc.record({
      articleId: fc.constantFrom("/a", "/b", "/b c", "/é"),
      ago: fc.nat(500),
      shard: fc.nat(2),
      lines,
    }),
    { selector: ({ articleId, ago, shard }) => `${articleId} ${ago} ${shard}`, maxLength: 12 },
  )
  .map((all) =>
    all
      .map(({ ago, ...one }) => counterOf({ ...one, day: dayAt(ago) }, one.lines))
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
  );

const keyOf = ({ id }: Counter) => `${id.articleId}\t${id.day}\t${id.shard}`;

function read(all: readonly Counter[], query: object = {}) {
  const earnings = {
    async *counters(_creator: CreatorId, after: string | undefined) {
      for (const one of all) if (after === undefined || one.id.articleId > after) yield one;
    },
  };
  return readEarnings({ earnings, clock }, creatorId, earningsQuerySchema.parse(query));
}

const fields = ["views", "reads", "reactions", "comments", "searchVisits"] as const;

function totalOf(items: Awaited<ReturnType<typeof readEarnings>>["items"]) {
  const sum = (of: (item: (typeof items)[number]) => bigint) =>
    items.reduce((total, item) => total + of(item), 0n);
  return {
    micros: sum((item) => BigInt(item.micros)),
    payable: sum((item) => BigInt(item.paidMicros)),
    held: sum((item) => BigInt(item.heldMicros)),
    fee: sum((item) => BigInt(item.feeMicros)),
    engagements: items
      .flatMap((item) => fields.map((field) => item[field]))
      .reduce((a, b) => a + b, 0),
  };
}

describe("readEarnings", () => {
  test("sums to what the counters do to money, however it is grouped and paged", async () => {
    const groupings = fc.constantFrom("article", "day", "kind");
    await fc.assert(
      fc.asyncProperty(
        counters,
        groupings,
        fc.nat(450),
        fc.nat(365),
        async (all, groupBy, ago, days) => {
          const [from, to] = [dayAt(ago + days), dayAt(ago)];
          const { items } = await read(all, { groupBy, from, to, limit: "200" });
          const inRange = all.filter(({ id }) => id.day >= from && id.day <= to);
          const effects = inRange.map(({ counted }) => effectOfLines(counted));
          const sum = (of: (effect: (typeof effects)[number]) => bigint) =>
            effects.reduce((total, effect) => total + of(effect), 0n);
          const { engagements, ...money } = totalOf(items);
          expect(money).toEqual({
            ...{ payable: sum(({ payable }) => payable), held: sum(({ held }) => held) },
            ...{ fee: sum(({ fee }) => fee), micros: sum(({ payable, held }) => payable + held) },
          });
          const byArticle = await read(all, { groupBy: "article", from, to, limit: "200" });
          expect(engagements).toBe(totalOf(byArticle.items).engagements);
        },
      ),
    );
  });

  test("articles come in pages that leave nothing out and show nothing twice", async () => {
    await fc.assert(
      fc.asyncProperty(counters, fc.integer({ min: 1, max: 3 }), async (all, limit) => {
        const items = [];
        let cursor: string | undefined;
        do {
          const page = await read(all, { limit: String(limit), cursor });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          items.push(...page.items);
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        expect(items).toEqual((await read(all)).items);
        const ids = items.map(({ articleId }) => articleId);
        expect(ids).toEqual([...new Set(all.map(({ id }) => id.articleId))]);
      }),
    );
  });

  const line = (text: string, count: bigint, amount = 0n, fee = 0n) =>
    [
      text as LineKey,
      { ...noLine, count, micros: amount as Micros, feeMicros: fee as Micros },
    ] as const;

  test("counts what earns, says what waits and what is void, and why", async () => {
    const counter = counterOf({}, [
      line("view.0.1.p", 10n, 900n, 100n),
      line("view.0.1.v.manual", 2n, 180n, 20n),
      line("view.0.1.h.over_rate", 5n, 450n, 50n),
      line("view.0.1.f.over_rate", 1n, 90n, 10n),
      line("view.0.1.d.over_rate", 1n, 90n, 10n),
      line("view.0.1.n.bot", 7n),
      line("comment:long.0.1.h.unmoderated", 1n, 2_000n),
    ]);
    expect((await read([counter])).items).toEqual([
      {
        articleId: "/a",
        ...{ views: 12, reads: 0, reactions: 0, comments: 1, searchVisits: 0 },
        ...{ micros: "3080", paidMicros: "810", heldMicros: "2270", feeMicros: "120" },
        held: { over_rate: 3, unmoderated: 1 },
        void: { bot: 7, manual: 2, over_rate: 1 },
      },
    ]);
  });

  test("an engagement in a pool counts once: when it is weighed, not when the pool pays", async () => {
    const weighed = [line("read.~0.1.w", 6n), line("read.~0.1.u.manual", 2n)];
    const before = await read([counterOf({}, weighed)]);
    expect(before.items).toMatchObject([{ reads: 4, micros: "0", void: { manual: 2 } }]);
    const paid = [...weighed, line("read.~0.1.p", 4n, 500n)];
    const after = await read([counterOf({}, paid)]);
    expect(after.items).toMatchObject([{ reads: 4, micros: "500", void: { manual: 2 } }]);
  });

  test("days and kinds are whole answers, in order", async () => {
    const all = [
      counterOf({ day: dayAt(3) }, [line("reaction:love.0.1.p", 1n, 1n)]),
      counterOf({ day: dayAt(1) }, [
        line("view.0.1.p", 1n, 2n),
        line("reaction:clap.0.1.p", 1n, 3n),
      ]),
      counterOf({ articleId: "/b", day: dayAt(3) }, [line("view.0.1.p", 1n, 4n)]),
      counterOf({ articleId: "/b", day: dayAt(366) }, [line("view.0.1.p", 1n, 5n)]),
    ];
    expect((await read(all, { groupBy: "day", limit: "1" })).items).toMatchObject([
      { day: dayAt(3), views: 1, reactions: 1, micros: "5" },
      { day: dayAt(1), views: 1, reactions: 1, micros: "5" },
    ]);
    expect(
      (await read(all, { groupBy: "kind", from: dayAt(3), to: dayAt(1) })).items,
    ).toMatchObject([
      { kind: "view", views: 2, reactions: 0, micros: "6" },
      { kind: "reaction", views: 0, reactions: 2, micros: "4" },
    ]);
    const everything = await read(all);
    expect(totalOf(everything.items).micros).toBe(15n);
  });

  test.each([
    [{ from: "2028-02-02", to: "2028-02-01" }, "to", /from \(2028-02-02\) is after to/],
    [{ from: "2027-02-28", to: "2028-02-29" }, "to", /are 367 days; send at most 366/],
    [{ from: "2027-02-28", groupBy: "day" }, "from", /are 367 days/],
    [{ groupBy: "day", cursor: "/a" }, "cursor", /groupBy=day, whose answer is whole/],
    [{ groupBy: "kind", cursor: "/a" }, "cursor", /groupBy=kind/],
  ])("refuses %j and names what to change", async (query, field, detail) => {
    await expect(read([], query)).rejects.toMatchObject({
      status: 400,
      extensions: { errors: [{ field, detail: expect.stringMatching(detail) }] },
    });
  });

  test("takes the longest range there may be, and one of a day", async () => {
    const [from, to] = [dayAt(limits.maxRangeDays - 1), dayAt(0)];
    const first = counterOf({ day: from }, [line("view.0.1.p", 1n, 2n)]);
    for (const query of [{ from, to }, { from }, { to }, { from, to: from }]) {
      expect((await read([first], { ...query, groupBy: "day" })).items).toHaveLength(1);
    }
  });
});

describe("readBalance", () => {
  const account: LedgerAccount = {
    ...{ sequence: 7, bookedAtMs: 1 },
    totals: {
      ...emptyAccount.totals,
      ...{ earned: micros(1_000), held: micros(500), released: micros(200), dropped: micros(50) },
      ...{ reversed: micros(100), reserved: micros(400), confirmed: micros(150) },
    },
  };
  const due = [
    counterOf({}, [
      ["view.0.1.p" as LineKey, { ...noLine, count: 1n, micros: micros(30) }],
      ["view.0.1.v.manual" as LineKey, { ...noLine, count: 2n, micros: micros(70) }],
      ["view.0.1.h.over_rate" as LineKey, { ...noLine, count: 1n, micros: micros(11) }],
    ]),
  ];
  const reader = (
    snapshot: BalanceReader["snapshot"] = async () => ({ account, counters: due }),
  ): BalanceReader => ({
    snapshot,
    async *dueCounterIds() {
      yield due.map(({ id }) => id);
    },
  });
  const balanceOf = (earnings: BalanceReader) =>
    readBalance(
      { earnings, clock, pacing: { sleep: async () => {}, random: () => 0 }, currency: "USD" },
      creatorId,
    );

  test("is what the ledger and what is not settled yet make of each account", async () => {
    expect(effectOfLines(pendingLines(due[0] as Counter))).toMatchObject({ payable: -40n });
    expect(await balanceOf(reader())).toEqual({
      ...{ creatorId, currency: "USD", asOf: "2028-02-29T12:00:00.000Z" },
      ...{ settledMicros: "700", pendingMicros: "-40", heldMicros: "261", inPayoutMicros: "250" },
    });
  });

  test("S1: is read again when a settlement came in between, and gives up in words", async () => {
    let reads = 0;
    const busy = async () => {
      reads += 1;
      return reads < 20 ? ("contended" as const) : { account, counters: due };
    };
    expect(await balanceOf(reader(busy))).toMatchObject({ settledMicros: "700" });
    await expect(balanceOf(reader(async () => "contended"))).rejects.toMatchObject({ status: 503 });
  });
});
