/**
 * Write units that counting and settling cost, as the engine bills them, by traffic shape.
 * Run: npm run bench:counting
 */
import { dynamoDbArticles } from "../adapters/dynamodb/article-store.ts";
import { dynamoDbCountingTable } from "../adapters/dynamodb/counting-table.ts";
import { dynamoDbRateCards } from "../adapters/dynamodb/rate-card-store.ts";
import { dynamoDbSettlementTable } from "../adapters/dynamodb/settlement-table.ts";
import { sha256Hex, systemClock, systemPacing } from "../adapters/runtime.ts";
import { type AcceptedEngagement, engagementsAccepted } from "../core/contracts/events.ts";
import type { ArticleId, CreatorId, ReaderId } from "../core/contracts/ids.ts";
import { countEngagements } from "../core/earnings/count-engagements.ts";
import { countInTransactions } from "../core/earnings/count-in-transactions.ts";
import { settleCreator } from "../core/earnings/settle-creator.ts";
import { chunk } from "../core/values/group-by.ts";
import { micros } from "../core/values/micros.ts";
import { startTables, type TestTables } from "../test/support/tables.ts";

interface Shape {
  readonly name: string;
  readonly articles: number;
  readonly articleOf: (random: number) => number;
}

const engagements = 30_000;
const shapes: readonly Shape[] = [
  { name: "one hot article", articles: 1, articleOf: () => 0 },
  { name: "10,000 articles, Zipf", articles: 10_000, articleOf: zipf(10_000) },
];
/** How many engagements one invocation of the worker sees. */
const batches = [1, 100, 1_000, 30_000];

for (const shape of shapes) {
  for (const batch of batches) {
    const total = batch === 1 ? 300 : batch === 100 ? 3_000 : engagements;
    await measure(shape, batch, total);
  }
}

async function measure({ name, articles, articleOf }: Shape, batch: number, total: number) {
  const tables = await startTables();
  const units = meter(tables);
  const store = dynamoDbArticles(tables.client, tables.registryTable);
  const idOf = (index: number) => `/chapters/${index}` as ArticleId;
  // A hundred articles for each creator, as on a platform of serial fiction.
  const creatorOf = (index: number) => `creator-${Math.floor(index / 100)}` as CreatorId;
  for (const part of chunk([...Array(articles).keys()], 200)) {
    await Promise.all(
      part.map((index) =>
        store.put({
          articleId: idOf(index),
          title: "t",
          creatorId: creatorOf(index),
          updatedAtMs: 0,
        }),
      ),
    );
  }
  units.reset();
  const random = generator(7);
  const all = Array.from(
    { length: total },
    (_, index): AcceptedEngagement => ({
      articleId: idOf(articleOf(random())),
      readerId: `reader-${index}` as ReaderId,
      kind: "view",
      occurredAtMs: Date.now(),
      channel: "publisher",
    }),
  );
  const startedMs = performance.now();
  for (const part of chunk(all, batch))
    await countEngagements(countDeps(tables), deliveriesOf(part), Infinity);
  const seconds = (performance.now() - startedMs) / 1_000;
  const counting = units.writes();
  units.reset();
  const creators = new Set(all.map(({ articleId }) => creatorOf(Number(articleId.split("/")[2]))));
  for (const creatorId of creators)
    await settleCreator(settleDeps(tables), creatorId, "0".repeat(32));
  console.log(
    `${name}; ${batch} a batch: ${(counting / total).toFixed(2)} WRU an engagement, ` +
      `${Math.round(total / seconds)}/s; settling ${creators.size} creators: ` +
      `${units.writes()} WRU (${((units.writes() / total) * 1_000).toFixed(1)} per 1,000 engagements)`,
  );
  await tables.stop();
}

/** Asks for the capacity of every call and adds up what writes consumed. */
function meter({ client }: TestTables) {
  let total = 0;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const write = /TransactWrite|Update|Put/.test(context.commandName ?? "");
      const result = await next({
        ...args,
        input: { ...args.input, ReturnConsumedCapacity: "TOTAL" },
      });
      const { ConsumedCapacity } = result.output as {
        ConsumedCapacity?: Capacity | readonly Capacity[];
      };
      if (write)
        for (const { CapacityUnits = 0 } of [ConsumedCapacity ?? []].flat()) total += CapacityUnits;
      return result;
    },
    { step: "initialize" },
  );
  return {
    writes: () => total,
    reset: () => {
      total = 0;
    },
  };
}

interface Capacity {
  readonly CapacityUnits?: number;
}

function countDeps(tables: TestTables) {
  return {
    articles: dynamoDbArticles(tables.client, tables.registryTable),
    rateCards: dynamoDbRateCards(tables.client, tables.registryTable),
    countOnce: countInTransactions({
      table: dynamoDbCountingTable({ ...tables, clock: systemClock }),
      clock: systemClock,
      pacing: systemPacing,
    }),
    clock: systemClock,
    sha256: sha256Hex,
    publisherId: "bench",
    currency: "USD",
    dedupeTtlMs: 90 * 86_400_000,
  };
}

function settleDeps(tables: TestTables) {
  return {
    table: dynamoDbSettlementTable({ ...tables }),
    clock: systemClock,
    pacing: systemPacing,
    currency: "USD",
    minMicros: micros(0),
    maxWaitMs: 0,
  };
}

function deliveriesOf(engagements: readonly AcceptedEngagement[]) {
  const { source, detailType } = engagementsAccepted;
  const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
  return chunk(engagements, 500).map((part, index) => {
    const detail = { schemaVersion: 1, traceparent, acceptedAtMs: 0, engagements: part };
    return {
      id: String(index),
      body: JSON.stringify({ source, "detail-type": detailType, detail }),
    };
  });
}

/** Popularity by rank with exponent 1, by inverting its cumulative distribution. */
function zipf(count: number): (random: number) => number {
  const cumulative: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= count; rank += 1) {
    sum += 1 / rank;
    cumulative.push(sum);
  }
  return (random) => {
    const at = cumulative.findIndex((value) => value >= random * sum);
    return at === -1 ? count - 1 : at;
  };
}

/** A small linear congruential generator: the same traffic in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
