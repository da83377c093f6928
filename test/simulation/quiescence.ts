import type { CreatorId } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import { readBalance } from "../../core/earnings/read-earnings.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";
import { readLedger } from "../../core/ledger/read-ledger.ts";
import { endOfUtcDayMs, utcDayOf } from "../../core/values/time.ts";
import { tableNames } from "./wiring.ts";
import type { World } from "./world.ts";

const dayMs = 86_400_000;
const redriveRounds = 4;
const settleRounds = 6;

/** Lets the world come to rest without further faults, and checks everything there. */
export async function comeToRest(world: World, poison: ReadonlySet<string>): Promise<void> {
  await world.clock.runUntilIdle();
  world.faults.stop();
  for (const queue of [world.countQueue, world.settleQueue]) queue.operatorRests();
  await drain(world, poison);
  await settleAll(world);
  checkQueues(world, poison);
  world.oracle.checkAtRest(world.tables);
  await checkReaders(world);
}

/** Q2: whatever was ever sent comes again, to a world that has seen it all. */
export async function presentEverythingAgain(world: World, poison: ReadonlySet<string>) {
  const before = money(world);
  for (const queue of [world.countQueue, world.settleQueue]) {
    for (const body of world.prng.shuffled([...queue.sent])) queue.send(body);
  }
  world.faults.met("everythingPresentedAgain");
  await world.clock.runUntilIdle();
  await drain(world, poison);
  await settleAll(world);
  const after = money(world);
  world.oracle.expect(before === after, () => `redelivery changed money: ${change(before, after)}`);
}

/** D4: keys are forgotten one day; around that moment clocks disagree and TTL deletes as it likes. */
export async function presentAtDedupeHorizon(world: World, poison: ReadonlySet<string>) {
  const before = money(world);
  const ends = world.countQueue.sent.flatMap((body) => {
    if (poison.has(body)) return [];
    const { engagements } = JSON.parse(body).detail;
    const days = new Set<number>();
    for (const { occurredAtMs } of engagements) days.add(endOfUtcDayMs(utcDayOf(occurredAtMs)));
    return [...days].map((endMs) => ({ body, atMs: endMs + limits.dedupeTtlDays * dayMs }));
  });
  for (const { body, atMs } of ends) {
    const aroundMs = world.prng.pick([-3_600_000, -240_000, -1, 0, 1, 120_000, 240_000, 3 * dayMs]);
    const thenMs = atMs + aroundMs;
    if (thenMs < world.clock.nowMs()) continue;
    world.faults.met("presentedAtDedupeHorizon");
    world.clock.at(thenMs, () => world.countQueue.send(body));
  }
  await world.clock.runUntilIdle();
  await drain(world, poison);
  await settleAll(world);
  const after = money(world);
  world.oracle.expect(
    before === after,
    () => `at the horizon money changed: ${change(before, after)}`,
  );
}

async function drain(world: World, poison: ReadonlySet<string>): Promise<void> {
  const queues = [world.countQueue, world.settleQueue];
  for (let round = 0; round < redriveRounds; round += 1) {
    await world.clock.runUntilIdle();
    const curable = queues.some(({ deadBodies }) => deadBodies.some((body) => !poison.has(body)));
    if (!curable) return;
    for (const queue of queues) queue.redrive();
  }
}

/** Settlement runs on until whoever had to wait has been settled too. */
async function settleAll(world: World): Promise<void> {
  for (let round = 0; round < settleRounds; round += 1) {
    const due = world.tables
      .all(tableNames.earningsCountersTable)
      .some((item) => item.due !== undefined);
    if (!due) return;
    world.clock.at(world.clock.nowMs() + dayMs + 1, () => void world.scheduleSettlement());
    await world.clock.runUntilIdle();
  }
}

/** Q4, Q12: what nobody can read is in a dead-letter queue, and nothing else is left anywhere. */
function checkQueues(world: World, poison: ReadonlySet<string>): void {
  for (const queue of [world.countQueue, world.settleQueue]) {
    world.oracle.expect(queue.waiting === 0, () => `${queue.name}: ${queue.waiting} still waiting`);
    const dead = new Set(queue.deadBodies);
    for (const body of dead) {
      world.oracle.expect(poison.has(body), () => `${queue.name}: dead for no reason: ${body}`);
    }
    for (const body of queue.sent) {
      const kept = !poison.has(body) || dead.has(body);
      world.oracle.expect(kept, () => `${queue.name}: vanished unread: ${body}`);
    }
  }
}

async function checkReaders(world: World): Promise<void> {
  const { oracle, tables } = world;
  const reading = world.insist(async (parts) => {
    const proof = await proveMoney(parts);
    oracle.expect(proof.ok, () => `the proof at rest: ${JSON.stringify(proof.differences)}`);
    const creators = new Set(
      tables
        .all(tableNames.ledgerTable)
        .map(({ pk }) => String(pk).slice("creator#".length) as CreatorId),
    );
    let everyone = 0n;
    for (const creatorId of creators) {
      const earned = oracle.earnedBy(tables, creatorId);
      everyone += earned;
      const { settledMicros, pendingMicros } = await readBalance(parts, creatorId);
      const exact = settledMicros === String(earned) && pendingMicros === "0";
      oracle.expect(exact, () => `${creatorId} reads ${settledMicros} + ${pendingMicros}`);
      oracle.expect((await ledgerSum(parts, creatorId)) === earned, () => `${creatorId}: ledger`);
    }
    oracle.expect(proof.counted.micros === String(everyone), () => "the proof counts otherwise");
    oracle.expect(proof.ledger.micros === String(everyone), () => "the proof's ledger is off");
    oracle.expect(proof.counters.pendingMicros === "0", () => "the proof sees something pending");
  });
  await world.clock.runUntilIdle();
  await reading;
}

async function ledgerSum({ ledger }: Parameters<Parameters<World["insist"]>[0]>[0], id: CreatorId) {
  let sum = 0n;
  let cursor: string | undefined;
  do {
    const page = await readLedger(ledger, id, { limit: 3, cursor });
    for (const { amountMicros } of page.items) sum += BigInt(amountMicros);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return sum;
}

/** Everything that is money, as text: two equal texts hold the same money. */
function money(world: World): string {
  const items = [tableNames.earningsCountersTable, tableNames.ledgerTable].flatMap((table) =>
    world.tables.all(table).map((item) => {
      const { rej: _refusedLate, ...rest } = item;
      return JSON.stringify(rest, (_, value) => (typeof value === "bigint" ? `${value}` : value));
    }),
  );
  // A tally shard that only ever counted refusals holds no money.
  return items
    .filter((text) => !/"ev":"0","m":"0"}$/.test(text))
    .sort()
    .join("\n");
}

function change(before: string, after: string): string {
  const old = new Set(before.split("\n"));
  return after
    .split("\n")
    .filter((line) => !old.has(line))
    .join("; ");
}
