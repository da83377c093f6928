import { GetCommand, PutCommand, TransactWriteCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, test } from "vitest";
import { counterKey, dueBucketOf } from "../../adapters/dynamodb/counter-items.ts";
import { tallyKey } from "../../adapters/dynamodb/tally-items.ts";
import type { CountOnce, Decision, Recorded } from "../../core/earnings/count-once.ts";
import type { ImpressionKey } from "../../core/earnings/impression-key.ts";
import type { InjectedFault } from "./faults.ts";
import { runSeed } from "./run-seed.ts";
import { type Mutant, tableNames } from "./wiring.ts";

/** How many seeds may pass before a wrong system is found out. */
const seedsAtMost = 300;

/** Settlement reads just before it commits: rivals must be many for one to come between. */
const manyRivals = { slowIo: 0.6, settlementAmidWrites: 0.9, schedulerTwice: 0.9 };

/** The simulator is only worth its name if it finds what is wrong on purpose. */
const mutants: readonly (readonly [
  what: string,
  mutant: Mutant,
  symptom: RegExp,
  rates: Partial<Record<InjectedFault, number>> | undefined,
])[] = [
  [
    "counting that dedupes first and ADDs separately (Q1, Q7)",
    { countOnce: ({ by, tables }) => naiveCountOnce(tables.client(by)) },
    /counted|recorded twice|overwritten/,
    undefined,
  ],
  [
    "counting that takes what is undecided for done (Q8, D1)",
    { wrapCountOnce: takeUndecidedForDone },
    /accepted and lost/,
    { outage: 0.05, throttled: 0.8 },
  ],
  [
    "an edge that answers 202 before the bus has everything (P1)",
    { wrapBus: (bus) => ({ publish: (events) => bus.publish(events).catch(() => {}) }) },
    /202 for/,
    undefined,
  ],
  [
    "settlement that does not ask how often a counter was drained (S1, S2)",
    {
      rewrite: (command) =>
        inConditions(command, /#drains = :drains|attribute_not_exists\(#drains\)/),
    },
    /booked|pending|false alarm|balance/,
    undefined,
  ],
  [
    "settlement that clears due without comparing events (S1, D1)",
    { rewrite: (command) => inConditions(command, /#events = :(events|seen)/) },
    /pending for ever|less than/,
    manyRivals,
  ],
  [
    "impression keys that trust TTL to delete in time (D4)",
    { rewrite: (command) => inConditions(command, /#ttl < :now/, "#ttl > :now") },
    /overwritten|recorded twice/,
    undefined,
  ],
];

test.each(mutants)("is found out: %s", async (_, mutant, symptom, rates) => {
  for (let seed = 1; seed <= seedsAtMost; seed += 1) {
    const { violations } = await runSeed(seed, { mutant, rates });
    if (violations.some((violation) => symptom.test(violation))) return;
    expect(violations, `seed ${seed} fails for another reason`).toEqual([]);
  }
  expect.fail(`${seedsAtMost} seeds did not find it`);
});

/** The obvious way, and wrong: two steps, between which a worker dies or another one comes. */
function naiveCountOnce(
  client: ReturnType<Parameters<NonNullable<Mutant["countOnce"]>>[0]["tables"]["client"]>,
): CountOnce {
  return {
    async record(decisions) {
      const results = new Map<ImpressionKey, Recorded>();
      for (const decision of decisions) results.set(decision.key, await recordOne(decision));
      return results;
    },
  };

  async function recordOne(decision: Decision): Promise<Recorded> {
    const { key, expiresAtMs } = decision;
    const [keys, counters] = [tableNames.impressionKeysTable, tableNames.earningsCountersTable];
    const { Item } = await client.send(new GetCommand({ TableName: keys, Key: { pk: key } }));
    if (Item) return "duplicate";
    const paid = decision.outcome === "paid" ? decision : undefined;
    const what = paid
      ? { creatorId: paid.counter.creatorId, line: paid.line }
      : { rejected: decision.outcome === "rejected" ? decision.reason : "" };
    const ttl = BigInt(Math.floor(expiresAtMs / 1_000));
    await client.send(new PutCommand({ TableName: keys, Item: { pk: key, ttl, ...what } }));
    if (!paid) return "recorded";
    const values = { ":n": 1n, ":m": paid.micros };
    await client.send(
      new UpdateCommand({
        TableName: counters,
        Key: counterKey({ ...paid.counter, shard: 0 }),
        UpdateExpression: "SET #due = :due, since = :n ADD ev :n, #n :n, #m :m",
        ExpressionAttributeNames: { "#due": "due", "#n": `n:${paid.line}`, "#m": `m:${paid.line}` },
        ExpressionAttributeValues: { ...values, ":due": dueBucketOf(paid.counter.creatorId) },
      }),
    );
    await client.send(
      new UpdateCommand({
        TableName: counters,
        Key: tallyKey(0),
        UpdateExpression: "ADD ev :n, m :m",
        ExpressionAttributeValues: values,
      }),
    );
    return "recorded";
  }
}

function takeUndecidedForDone(countOnce: CountOnce): CountOnce {
  return {
    async record(decisions, deadlineMs) {
      const results = await countOnce.record(decisions, deadlineMs);
      return new Map(
        [...results].map(([key, result]) => [key, result === "undecided" ? "duplicate" : result]),
      );
    },
  };
}

interface Conditional {
  readonly TableName?: string | undefined;
  readonly ConditionExpression?: string | undefined;
}

/** The same command, with each condition as `change` leaves it; `undefined` drops it. */
function changed(command: unknown, change: (write: Conditional) => string | undefined): unknown {
  const altered = <Write extends Conditional>({ ConditionExpression, ...rest }: Write) => {
    const left = change({ ...rest, ConditionExpression });
    return { ...rest, ...(left === undefined ? {} : { ConditionExpression: left }) };
  };
  if (command instanceof UpdateCommand) {
    return new UpdateCommand(altered(command.input) as typeof command.input);
  }
  if (!(command instanceof TransactWriteCommand)) return command;
  const items = (command.input.TransactItems ?? []).map(({ Put, Update }) => ({
    ...(Put ? { Put: altered(Put) } : {}),
    ...(Update ? { Update: altered(Update) } : {}),
  }));
  return new TransactWriteCommand({ TransactItems: items } as typeof command.input);
}

/** Replaces one comparison by one that always holds, or by `instead`. */
function inConditions(
  command: unknown,
  comparison: RegExp,
  instead = "attribute_not_exists(nothing)",
): unknown {
  return changed(command, ({ ConditionExpression }) =>
    ConditionExpression?.replace(comparison, instead),
  );
}
