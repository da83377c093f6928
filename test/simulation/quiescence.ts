import type { CreatorId } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import { readBalance } from "../../core/earnings/read-balance.ts";
import { entryIdOf } from "../../core/ledger/entry.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";
import { readLedger } from "../../core/ledger/read-ledger.ts";
import { endOfUtcDayMs, utcDayOf } from "../../core/values/time.ts";
import type { Item } from "./expressions.ts";
import { checkStatements } from "./statement-check.ts";
import { tableNames } from "./wiring.ts";
import type { World } from "./world.ts";

const dayMs = 86_400_000;
const redriveRounds = 4;
/** Days in which all that waits for its time has come to its end. */
const mostDays = 12;

/** Lets the world come to rest without further faults, and checks everything there. */
export async function comeToRest(world: World, poison: ReadonlySet<string>): Promise<void> {
  await world.clock.runUntilIdle();
  world.faults.stop();
  for (const queue of world.queues) queue.operatorRests();
  await drain(world, poison);
  await settleAll(world);
  // A run that was killed after its last award has yet to say that the day is done; and so may one
  // that is killed in doing that.
  for (let run = 0; run < 2; run += 1) {
    await happenAfter(world, 60_000, () => void world.pricePools());
  }
  await payAll(world, poison);
  checkQueues(world, poison);
  world.oracle.checkAtRest(world.tables);
  await checkReaders(world);
}

/** Q2: whatever was ever sent comes again, to a world that has seen it all. */
export async function presentEverythingAgain(world: World, poison: ReadonlySet<string>) {
  const before = money(world);
  for (const queue of world.queues) {
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
  for (let round = 0; round < redriveRounds; round += 1) {
    await world.clock.runUntilIdle();
    const curable = world.queues.some(({ deadBodies }) =>
      deadBodies.some((body) => !poison.has(body)),
    );
    if (!curable) return;
    for (const queue of world.queues) queue.redrive();
  }
}

/** Day after day until nothing waits any more: to be settled, to be free, or for its pool. */
async function settleAll(world: World): Promise<void> {
  const { clock } = world;
  for (let day = 0; day < mostDays; day += 1) {
    const waiting = world.tables
      .all(tableNames.earningsCountersTable)
      .filter(({ due }) => due !== undefined);
    if (waiting.length === 0) return;
    // The lists of those who wait lag a little behind.
    const soonMs = clock.nowMs() + (day === 0 ? 60_000 : dayMs + 1);
    clock.at(soonMs, () => {
      void world.releaseHolds();
      void world.pricePools();
    });
    clock.at(soonMs + 5 * 60_000, () => void world.scheduleSettlement());
    await clock.runUntilIdle();
  }
}

/**
 * Whoever reserved a payout and died before the provider knew of it: the next run tells it. A run
 * that comes again pays whoever had too little then, once, so it comes until nobody is left.
 */
async function payAll(world: World, poison: ReadonlySet<string>): Promise<void> {
  const { tables, oracle, provider } = world;
  for (let known = -1; known < provider.payouts.size; ) {
    known = provider.payouts.size;
    for (const body of [...world.payQueue.sent]) if (!poison.has(body)) world.payQueue.send(body);
    await happenAfter(world, 60_000, () => void world.runPayouts());
    await drain(world, poison);
  }
  const payouts = tables
    .all(tableNames.ledgerTable)
    .filter(({ sk }) => String(sk).startsWith("payout#"));
  for (const { pk, sk, amountMicros } of payouts) {
    const creatorId = String(pk).slice("creator#".length) as CreatorId;
    const sequence = Number(String(sk).slice("payout#".length));
    const told = provider.payouts.get(entryIdOf({ creatorId, sequence }));
    oracle.expect(told === String(amountMicros), () => `${pk} ${sk}: the provider knows ${told}`);
  }
  const known = provider.payouts.size;
  oracle.expect(
    known === payouts.length,
    () => `the provider pays ${known}, ${payouts.length} are`,
  );
}

/** Q4, Q12: what nobody can read is in a dead-letter queue, and nothing else is left anywhere. */
function checkQueues(world: World, poison: ReadonlySet<string>): void {
  for (const queue of world.queues) {
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

/** What readers of all kinds are shown at rest, against what the ledger's items say. */
async function checkReaders(world: World): Promise<void> {
  const { oracle, tables } = world;
  // Whoever's clock is behind would find that the month of an entry has not begun.
  await happenAfter(world, 15 * 60_000);
  const reading = world.insist(async (parts) => {
    const proof = await proveMoney(parts);
    oracle.expect(proof.ok, () => `the proof at rest: ${JSON.stringify(proof.differences)}`);
    const accounts = tables.all(tableNames.ledgerTable).filter(({ sk }) => sk === "account");
    const everyone = { payable: 0n, inPayout: 0n };
    for (const account of accounts) {
      const creatorId = String(account.pk).slice("creator#".length) as CreatorId;
      const own = balanceOf(account);
      everyone.payable += own.payable;
      everyone.inPayout += own.inPayout;
      const { settledMicros, pendingMicros, heldMicros, inPayoutMicros } = await readBalance(
        parts,
        creatorId,
      );
      const shown = [settledMicros, pendingMicros, heldMicros, inPayoutMicros].join(" + ");
      const right = [own.payable, 0n, 0n, own.inPayout].join(" + ");
      oracle.expect(shown === right, () => `${creatorId} reads ${shown}, not ${right}`);
      const entries = await ledgerEntries(parts, creatorId);
      const numbered = BigInt(entries) === account.sequence;
      oracle.expect(numbered, () => `${creatorId}: ${entries} entries are shown`);
      await checkStatements(world, parts, creatorId);
    }
    const { payableMicros, heldMicros, inPayoutMicros } = proof.ledger;
    const told = [payableMicros, heldMicros, inPayoutMicros].join();
    const right = [everyone.payable, 0n, everyone.inPayout].join();
    oracle.expect(told === right, () => `the proof sees ${told}, not ${right}`);
    const { pendingMicros, pendingHeldMicros } = proof.counters;
    const pending = `${pendingMicros} ${pendingHeldMicros}`;
    oracle.expect(pending === "0 0", () => `the proof sees ${pending} pending`);
  });
  await world.clock.runUntilIdle();
  await reading;
}

async function happenAfter({ clock }: World, delayMs: number, what = () => {}): Promise<void> {
  clock.at(clock.nowMs() + delayMs, what);
  await clock.runUntilIdle();
}

function balanceOf({ totals }: Item) {
  const {
    earned = 0n,
    released = 0n,
    reversed = 0n,
    adjusted = 0n,
    ...rest
  } = totals as Record<string, bigint>;
  const { reserved = 0n, returned = 0n, confirmed = 0n } = rest;
  return {
    payable: earned + released - reversed + adjusted - reserved + returned,
    inPayout: reserved - returned - confirmed,
  };
}

async function ledgerEntries(
  { ledger }: Parameters<Parameters<World["insist"]>[0]>[0],
  id: CreatorId,
): Promise<number> {
  let entries = 0;
  let cursor: string | undefined;
  do {
    const page = await readLedger(ledger, id, { limit: 3, cursor });
    entries += page.items.length;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return entries;
}

/** Everything that is money, as text: two equal texts hold the same money. */
function money(world: World): string {
  const items = [tableNames.earningsCountersTable, tableNames.ledgerTable].flatMap((table) =>
    world.tables.all(table).map((item) => {
      const { rej: _refusedLate, announcedAtMs: _toldAgain, doneAtMs: _ranAgain, ...rest } = item;
      return JSON.stringify(rest, (_, value) => (typeof value === "bigint" ? `${value}` : value));
    }),
  );
  // A tally shard that only ever counted refusals holds no money.
  return items
    .filter((text) => !/^\{"pk":"tally#\d+","sk":"total"(?:,"ev":"0")?\}$/.test(text))
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
