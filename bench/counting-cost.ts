/**
 * Write and read units that counting and settling cost, as the engine bills them, by traffic.
 * Run: npm run bench:counting
 */
import { startTables } from "../test/support/tables.ts";
import { meter } from "./support/capacity.ts";
import { moneyPath } from "./support/money-path.ts";
import {
  articleIds,
  creatorsOf,
  engagementsOf,
  evenly,
  hot,
  longTail,
  sharesIn,
  type Traffic,
} from "./support/traffic.ts";

/** How many engagements one invocation of the worker sees, and how many there are in all. */
const batches = [
  { batch: 1, total: 300 },
  { batch: 100, total: 3_000 },
  { batch: 1_000, total: 30_000 },
  { batch: 30_000, total: 30_000 },
];
const usual = { batch: 1_000, total: 30_000 };

console.log("Counting: units an engagement, one view of rates unless said otherwise");
for (const traffic of [hot, longTail]) {
  for (const size of batches) await counting(traffic, size);
}
await counting({ ...longTail, name: "Zipf, 3 creators share", creatorsPerArticle: 3 }, usual);
await counting({ ...longTail, name: "Zipf, 10 articles a reader", perReader: 10 }, usual);
await counting(
  { ...longTail, name: "Zipf, 10 articles a reader", perReader: 10 },
  { batch: 1, total: 300 },
);

console.log("\nSettling: once after so many engagements");
for (const traffic of [hot, longTail]) {
  for (const total of [1_000, 30_000]) await settling(traffic, total);
}

console.log("\nSettling 10,000 engagements of more and more creators");
for (const creators of [1, 10, 100, 1_000, 10_000]) await settling(evenly(creators), 10_000);

async function onTables<Result>(
  traffic: Traffic,
  work: (path: ReturnType<typeof moneyPath>, units: ReturnType<typeof meter>) => Promise<Result>,
): Promise<Result> {
  const tables = await startTables();
  try {
    const path = moneyPath(tables);
    await path.register(articleIds(traffic), sharesIn(traffic));
    return await work(path, meter(tables));
  } finally {
    await tables.stop();
  }
}

async function counting(traffic: Traffic, { batch, total }: { batch: number; total: number }) {
  const engagements = engagementsOf(traffic, total);
  const { writes, reads, seconds } = await onTables(traffic, (path, units) =>
    units.of(() => path.count(engagements, batch)),
  );
  row(traffic.name, `${grouped(batch)} a batch`, [
    `${(writes / total).toFixed(2)} WRU`,
    `${(reads / total).toFixed(2)} RRU`,
    `${grouped(Math.round(total / seconds))}/s`,
  ]);
}

async function settling(traffic: Traffic, total: number) {
  const engagements = engagementsOf(traffic, total);
  const creatorIds = creatorsOf(traffic, engagements);
  let entries = 0;
  const { writes, reads, seconds } = await onTables(traffic, async (path, units) => {
    await path.count(engagements, usual.batch);
    return await units.of(async () => {
      entries = await path.settle(creatorIds);
    });
  });
  const per = (amount: number, of: number) => (amount / of).toFixed(1);
  row(traffic.name, `${grouped(total)} engagements`, [
    `${grouped(entries)} entries`,
    `${grouped(Math.round(writes))} WRU`,
    `${grouped(Math.round(reads))} RRU`,
    `a creator ${per(writes, creatorIds.length)} WRU`,
    `1,000 engagements ${per(entries * 1_000, total)} entries, ${per(writes * 1_000, total)} WRU`,
    `${seconds.toFixed(1)} s`,
  ]);
}

function row(name: string, size: string, values: readonly string[]): void {
  console.log(`  ${name.padEnd(28)}${size.padEnd(22)}${values.join("  ")}`);
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}
