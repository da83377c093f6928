import { beforeEach, expect, test } from "vitest";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import type { Counter } from "../../../core/earnings/counter.ts";
import { noLine } from "../../../core/earnings/counter.ts";
import { type LineKey, lineKey, type Movement } from "../../../core/earnings/line.ts";
import { partsOf } from "../../../core/earnings/price-engagement.ts";
import {
  type EntryLine,
  emptyAccount,
  entryIdOf,
  entryOfLines,
  type LedgerEntry,
} from "../../../core/ledger/entry.ts";
import { explainEntry, placeOfEntry } from "../../../core/ledger/explain-entry.ts";
import type { Article } from "../../../core/registry/article.ts";
import type { Creator } from "../../../core/registry/creator.ts";
import { defaultRateCard, type RateCard } from "../../../core/registry/rate-card.ts";
import { micros } from "../../../core/values/micros.ts";
import type { UtcDay } from "../../../core/values/time.ts";
import { memoryLedger } from "./memory-ledger.ts";

const [ada, bob] = ["ada" as CreatorId, "bob" as CreatorId];
const audience = { names: false };
const articleId = "serial/1" as ArticleId;
const day = "2028-02-29" as UtcDay;
const nowMs = Date.parse("2028-02-29T12:00:00Z");

const card = (version: number, view: bigint, feeBasisPoints: number): RateCard => ({
  ...defaultRateCard("USD"),
  version,
  effectiveFromMs: 1,
  prices: { ...defaultRateCard("USD").prices, view: micros(view), reaction: micros(700n) },
  weights: {
    reaction: { like: 100, love: 250, clap: 100, insightful: 100, save: 0 },
    comment: { short: 100, medium: 100, long: 100 },
  },
  feeBasisPoints,
});

const shares = [
  { creatorId: bob, basisPoints: 3_333 },
  { creatorId: ada, basisPoints: 6_667 },
];
const article = {
  articleId,
  terms: [
    { version: 1, effectiveFromMs: 0, shares, group: "default" },
    {
      version: 2,
      effectiveFromMs: 0,
      shares: [{ creatorId: bob, basisPoints: 10_000 }],
      group: "pooled",
    },
  ],
  rateCards: [card(4, 1_001n, 1_500)],
} as unknown as Article;
const creator = { creatorId: ada, rateCards: [card(2, 2_003n, 0)] } as unknown as Creator;

let ledger: ReturnType<typeof memoryLedger>;
let counters: Counter[];
beforeEach(() => {
  ledger = memoryLedger();
  counters = [];
});

const deps = () => ({
  ledger,
  countersOf: async function* () {
    yield* counters;
  },
  articles: { getMany: async () => new Map([[articleId, article]]) },
  creators: { getMany: async () => new Map([[ada, creator]]) },
  rateCards: { list: async () => [card(1, 5_000n, 1_000)] } as never,
  currency: "USD",
});

function line(more: Partial<EntryLine>): EntryLine {
  return {
    ...{ kind: "view", model: "rates", card: "0", sharesVersion: 1, movement: "paid" },
    ...{ articleId, day, count: 3n, amountMicros: micros(0n), feeMicros: micros(0n) },
    ...more,
  } as EntryLine;
}

async function booked(lines: readonly EntryLine[], type: LedgerEntry["type"] = "settlement") {
  const account = await ledger.readAccount(ada);
  const facts = { creatorId: ada, currency: "USD", traceId: "t", nowMs };
  const entry = entryOfLines(account, facts, type, lines);
  await ledger.book(entry, { requestId: String(entry.sequence) });
  return await explainEntry(deps(), { creatorId: ada, sequence: entry.sequence }, audience);
}

test("count times unit is the amount, as the engagement was priced, for each scope of card", async () => {
  const cards = { publisher: [], creators: new Map() };
  const ofArticle = partsOf(cards, article, { shares }, "view", nowMs)[1];
  const { lines } = await booked([
    line({ card: "a4", amountMicros: micros(3n * (ofArticle?.micros ?? 0n)) }),
    line({ card: "c2", kind: "reaction:love" }),
    line({ card: "1" }),
    line({ card: "0" }),
  ]);
  const prices = lines.map((one) => ("price" in one ? one.price : undefined));
  expect(prices).toMatchObject([
    {
      ...{ cardVersion: 4, scope: "article", priceMicros: "1001", weightPercent: 100 },
      ...{ feeBasisPoints: 1_500, shareBasisPoints: 6_667 },
    },
    { cardVersion: 2, scope: "creator", priceMicros: "1750", weightPercent: 250 },
    { cardVersion: 1, scope: "publisher", priceMicros: "5000", feeBasisPoints: 1_000 },
    { cardVersion: 0, scope: "publisher", priceMicros: "1000" },
  ]);
  const [first = expect.unreachable()] = prices;
  expect(first).toHaveProperty("unitMicros");
  expect(BigInt((first as { unitMicros: string }).unitMicros) * 3n).toBe(
    BigInt(lines[0]?.amountMicros ?? -1),
  );
});

test("what the registry does not know any more is left out, never guessed", async () => {
  const { lines } = await booked([
    line({ card: "9" }),
    line({ sharesVersion: 7 }),
    line({ sharesVersion: 2 }),
    line({ model: "pool", sharesVersion: 2 }),
  ]);
  expect(lines.map((one) => "price" in one)).toEqual([false, false, false, false]);
  expect(lines[3]).toMatchObject({ pool: { group: "pooled", day } });
});

test("an entry names those that corrected it since, through its lines and by its id", async () => {
  await booked([
    line({ amountMicros: micros(9n) }),
    line({ movement: "held", reason: "over_rate" }),
  ]);
  const undone = (movement: Movement, entry: number, more: Partial<EntryLine> = {}) => {
    const parts = { ...line({}), ...more, movement };
    return [lineKey(parts), { ...noLine, entry }] as const;
  };
  const settled = new Map<LineKey, typeof noLine & { entry: number }>([
    undone("voided", 4),
    undone("freed", 3, { reason: "over_rate" }),
    // None of these is of the first entry's lines.
    undone("voided", 5, { kind: "read" }),
    undone("voided", 6, { sharesVersion: 2 }),
    undone("dropped", 1),
  ]);
  counters = [{ id: { creatorId: ada, articleId, day, shard: 0 }, settled } as unknown as Counter];
  const facts = { creatorId: ada, currency: "USD", traceId: "t", nowMs };
  const second = entryOfLines(await ledger.readAccount(ada), facts, "settlement", []);
  await ledger.book(second, { requestId: "x", corrects: { sequence: 1, reverses: false } });
  const explained = await explainEntry(deps(), { creatorId: ada, sequence: 1 }, audience);
  expect(explained).toMatchObject({
    correctedBy: [2, 3, 4].map((sequence) => entryIdOf({ creatorId: ada, sequence })),
  });
});

test("a correction names what it corrects, each once", async () => {
  await booked([line({})]);
  const corrects = [2, 1, 2].map((correctsSequence) =>
    line({ movement: "voided", correctsSequence }),
  );
  expect(await booked(corrects, "reversal")).toMatchObject({
    correctsEntries: ["ada.0000000001", "ada.0000000002"],
  });
});

test("an entry that is not there is a 404", async () => {
  expect(emptyAccount.sequence).toBe(0);
  await expect(
    explainEntry(deps(), { creatorId: ada, sequence: 1 }, audience),
  ).rejects.toMatchObject({
    status: 404,
  });
  expect(() => placeOfEntry("nonsense")).toThrow(/no ledger entry/);
});
