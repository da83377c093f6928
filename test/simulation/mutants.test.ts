import {
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { expect, test } from "vitest";
import { addToCounter } from "../../adapters/dynamodb/counter-additions.ts";
import { impressionItem, impressionKeyItem } from "../../adapters/dynamodb/impression-items.ts";
import { addToTally } from "../../adapters/dynamodb/tally-items.ts";
import {
  type CountOnce,
  type Decision,
  type Recorded,
  stateName,
} from "../../core/earnings/count-once.ts";
import { movesMoney } from "../../core/earnings/counter.ts";
import type { ImpressionKey } from "../../core/earnings/impression-key.ts";
import { parseLineKey } from "../../core/earnings/line.ts";
import { bookEntry } from "../../core/ledger/entry.ts";
import type { PayoutStore } from "../../core/payouts/payout.ts";
import { type Micros, sumMicros } from "../../core/values/micros.ts";
import type { Item } from "./expressions.ts";
import type { InjectedFault } from "./faults.ts";
import { runSeed } from "./run-seed.ts";
import type { SimulatedTables } from "./simulated-table.ts";
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
    { hangingIo: 0.3 },
  ],
  [
    "an edge that answers 202 before the bus has everything (P1)",
    { wrapBus: (bus) => ({ publish: (events) => bus.publish(events).catch(() => {}) }) },
    /202 for/,
    { putEventsPartlyFailed: 0.9, putEventsAnswerLost: 0.5 },
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
    // What a counter that is no longer due has to add is missing from balances, be it earned or voided.
    /pending for ever|less than|more than \d+ earned/,
    manyRivals,
  ],
  [
    "a split that rounds each creator's part (S4)",
    { wrapCountOnce: roundEachPart },
    /key .*, not /,
    undefined,
  ],
  [
    "a review that does not ask what became of an engagement since",
    { rewrite: (command) => inConditions(command, /#state = :from AND .*/) },
    /void > void|payable at rest|went below|tally/,
    { reviewAmidWrites: 0.2, deliveredTwiceAtOnce: 0.5, slowIo: 0.5, busDeliversTwice: 0.5 },
  ],
  [
    "recording that does not ask which reviews came before it (S9)",
    { rewrite: withoutReviews },
    /missed it/,
    undefined,
  ],
  [
    "holds that are freed as they were read, whatever came between",
    { rewrite: (command) => inConditions(command, /#seenEvents = :seenEvents AND .*/) },
    /held for ever|payable at rest|false alarm|balance|proof/,
    { schedulerTwice: 0.9, slowIo: 0.6, reviewAmidWrites: 0.2 },
  ],
  [
    "a payout that was raced and does not look at the balance again",
    { wrapPayouts: payWhateverHappened },
    /pays out/,
    { payoutAmidWrites: 0.5, slowIo: 0.6, settlementAmidWrites: 0.5 },
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
    const [keys, counters] = [tableNames.impressionKeysTable, tableNames.earningsCountersTable];
    const Key = impressionKeyItem(decision.key);
    if ((await client.send(new GetCommand({ TableName: keys, Key }))).Item) return "duplicate";
    const nowMs = decision.expiresAtMs - 90 * 86_400_000;
    const Item = impressionItem({ ...decision, shard: 0 }, nowMs);
    await client.send(new PutCommand({ TableName: keys, Item }));
    if (decision.outcome === "rejected") return "recorded";
    const { articleId } = decision.engagement;
    const { day, credits, poolNumber: pool } = decision;
    const updates = credits.map(({ creatorId, line, total }) => {
      const id = { creatorId, articleId, day, shard: 0, ...(pool === undefined ? {} : { pool }) };
      return addToCounter(counters, { id, lines: new Map([[line, total]]) }, nowMs);
    });
    const money = credits.filter(({ line }) => movesMoney(line));
    const tally = {
      ...{ shard: 0, engagements: 1, events: BigInt(credits.length) },
      micros: sumMicros(money.map(({ total }) => total.micros)),
      states: new Map([[stateName(decision), 1]]),
    };
    for (const { Update } of [...updates, addToTally(counters, tally)]) {
      if (Update) await client.send(new UpdateCommand(Update));
    }
    return "recorded";
  }
}

/** Down to the micro below: of what divides unevenly a micro is lost. */
function roundEachPart(countOnce: CountOnce, tables: SimulatedTables): CountOnce {
  return {
    record: (decisions, deadlineMs) =>
      countOnce.record(
        decisions.map((decision) => rounded(decision, tables)),
        deadlineMs,
      ),
  };
}

function rounded(decision: Decision, tables: SimulatedTables): Decision {
  if (decision.outcome !== "counted" || decision.credits.length < 2) return decision;
  const pk = `article#${decision.engagement.articleId}`;
  const article = tables.get(tableNames.registryTable, { pk, sk: "current" });
  const gross = decision.credits.reduce(
    (sum, { total }) => sum + total.micros + total.feeMicros,
    0n,
  );
  const credits = decision.credits.map((credit, at) => {
    const { sharesVersion } = parseLineKey(credit.line);
    const terms = (article?.terms as readonly Item[] | undefined)?.[sharesVersion - 1];
    const share = (terms?.shares as readonly Item[] | undefined)?.[at];
    const part = (gross * ((share?.basisPoints ?? 0n) as bigint)) / 10_000n;
    const micros = (part - credit.total.feeMicros) as Micros;
    return micros < 0n ? credit : { ...credit, total: { ...credit.total, micros } };
  });
  return { ...decision, credits };
}

/** Takes the next number, and pays out what was asked for when there still was enough. */
function payWhateverHappened(payouts: PayoutStore): PayoutStore {
  return {
    ...payouts,
    async reserve(entry, payout) {
      if ((await payouts.reserve(entry, payout)) === "booked") return "booked";
      const account = await payouts.readAccount(payout.creatorId);
      const { creatorId, currency, traceId, bookedAtMs: nowMs, ...draft } = entry;
      const next = bookEntry(account, { creatorId, currency, traceId, nowMs }, draft);
      return await payouts.reserve(next, { ...payout, sequence: next.sequence });
    },
  };
}

/** Finds none, whoever asks for those since a moment. */
function withoutReviews(command: unknown): unknown {
  if (!(command instanceof QueryCommand)) return command;
  const { ExpressionAttributeValues: values } = command.input;
  if (values?.[":pk"] !== "reviews" || values[":end"] === undefined) return command;
  const none = { ...values, ":since": values[":end"] };
  return new QueryCommand({ ...command.input, ExpressionAttributeValues: none });
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
  const items = (command.input.TransactItems ?? []).map(({ Put, Update, ...others }) => ({
    ...others,
    ...(Put ? { Put: altered(Put) } : {}),
    ...(Update ? { Update: altered(Update) } : {}),
  }));
  return new TransactWriteCommand({ TransactItems: items } as typeof command.input);
}

/** Makes one comparison hold always, or puts `instead` in its place. */
function inConditions(command: unknown, comparison: RegExp, instead?: string): unknown {
  return changed(command, ({ ConditionExpression }) =>
    ConditionExpression?.replace(
      comparison,
      (found) => instead ?? `(${found} OR attribute_not_exists(nothing))`,
    ),
  );
}
