import { isKnownBot } from "../../adapters/bots.ts";
import { dynamoDbArticleGroups } from "../../adapters/dynamodb/article-group-store.ts";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { dynamoDbCountingTable } from "../../adapters/dynamodb/counting-table.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbEarnings } from "../../adapters/dynamodb/earnings-reader.ts";
import { dynamoDbHoldTable } from "../../adapters/dynamodb/hold-table.ts";
import { dynamoDbLedger } from "../../adapters/dynamodb/ledger-items.ts";
import { dynamoDbLedgerStore, dynamoDbStatements } from "../../adapters/dynamodb/ledger-store.ts";
import { dynamoDbPayoutRuns, dynamoDbPayouts } from "../../adapters/dynamodb/payout-store.ts";
import { dynamoDbPoolTable } from "../../adapters/dynamodb/pool-table.ts";
import { dynamoDbProofSource } from "../../adapters/dynamodb/proof-source.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { dynamoDbReaderHistory } from "../../adapters/dynamodb/reader-history.ts";
import { dynamoDbReviews } from "../../adapters/dynamodb/review-store.ts";
import { dynamoDbReviewTable } from "../../adapters/dynamodb/review-table.ts";
import { dynamoDbSettlementTable } from "../../adapters/dynamodb/settlement-table.ts";
import { eventBridgePublisher } from "../../adapters/eventbridge/event-publisher.ts";
import { sha256Hex } from "../../adapters/runtime.ts";
import { viewTokenClaimsSchema } from "../../core/contracts/bodies.ts";
import type { CreatorId } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import { tallyShards } from "../../core/contracts/storage.ts";
import { type CountDeps, countEngagements } from "../../core/earnings/count-engagements.ts";
import { countInTransactions } from "../../core/earnings/count-in-transactions.ts";
import type { CountOnce } from "../../core/earnings/count-once.ts";
import type { CountingTable } from "../../core/earnings/counting-table.ts";
import type { ImpressionKey } from "../../core/earnings/impression-key.ts";
import { settleDeliveries } from "../../core/earnings/settle-creator.ts";
import type { SettlementTable } from "../../core/earnings/settlement-table.ts";
import type { ViewTokens } from "../../core/engagements/view-token.ts";
import type { Delivery } from "../../core/messaging/delivery.ts";
import type { EventPublisher } from "../../core/messaging/event-publisher.ts";
import { payCreators } from "../../core/payouts/pay-creators.ts";
import type { PayoutStore } from "../../core/payouts/payout.ts";
import { knownArticles } from "../../core/registry/known-articles.ts";
import { applyReviews } from "../../core/reviews/apply-review.ts";
import type { Micros } from "../../core/values/micros.ts";
import type { Clock } from "../../core/values/time.ts";
import type { Faults } from "./faults.ts";
import type { Invocation } from "./invocation.ts";
import type { Traffic } from "./plain-verdict.ts";
import type { SimulatedBus } from "./simulated-bus.ts";
import type { SimulatedTables } from "./simulated-table.ts";

export const publisherId = "p1";
export const currency = "USD";
export const tableNames = {
  impressionKeysTable: "impression-keys",
  earningsCountersTable: "earnings-counters",
  ledgerTable: "ledger",
  registryTable: "registry",
} as const;
const { impressionKeysTable, earningsCountersTable, ledgerTable, registryTable } = tableNames;

/** What a deliberately wrong copy of the system replaces, to prove that the oracle would see it. */
export interface Mutant {
  readonly countOnce?: (parts: { by: Invocation; tables: SimulatedTables }) => CountOnce;
  readonly wrapCountOnce?: (countOnce: CountOnce, tables: SimulatedTables) => CountOnce;
  readonly wrapBus?: (bus: EventPublisher) => EventPublisher;
  readonly wrapPayouts?: (payouts: PayoutStore) => PayoutStore;
  /** What is asked of the tables instead. */
  readonly rewrite?: (command: unknown) => unknown;
}

/** What a stage sets, as one world sets it. */
export interface StageRules {
  readonly minMicros: Micros;
  readonly maxWaitMs: number;
  readonly traffic: Traffic;
  readonly holdMs: number;
  readonly poolOpenMs: number;
  readonly minPayoutMicros: Micros;
  /** Day of the month on which everyone is paid. */
  readonly payoutDay: number;
}

export interface Wiring {
  readonly tables: SimulatedTables;
  readonly bus: SimulatedBus;
  readonly faults: Faults;
  readonly mutant: Mutant;
  readonly rules: StageRules;
}

/** The parts of the system as the handlers wire them, for one invocation. */
export function partsFor(wiring: Wiring, by: Invocation) {
  const client = wiring.tables.client(by, wiring.mutant.rewrite);
  const bus = eventBridgePublisher({
    client: wiring.bus.client(by),
    busName: "b",
    pacing: by.pacing,
  });
  const { minPayoutMicros, payoutDay, ...rules } = wiring.rules;
  const { clock, pacing } = by;
  const articles = dynamoDbArticles(client, registryTable);
  const payouts = dynamoDbPayouts(client, ledgerTable);
  return {
    articles,
    findKnown: knownArticles(articles, limits.maxKnownArticles),
    creators: dynamoDbCreators(client, registryTable),
    groups: dynamoDbArticleGroups(client, registryTable),
    rateCards: dynamoDbRateCards(client, registryTable),
    history: dynamoDbReaderHistory({
      ...{ client, impressionKeysTable, clock },
      maxItems: rules.traffic.maxPerReaderDay + 10,
    }),
    earnings: dynamoDbEarnings(client, { earningsCountersTable, ledgerTable }),
    ledger: dynamoDbLedger(client, ledgerTable),
    books: dynamoDbLedgerStore(client, ledgerTable),
    statements: dynamoDbStatements(client, ledgerTable),
    payouts: wiring.mutant.wrapPayouts?.(payouts) ?? payouts,
    runs: dynamoDbPayoutRuns(client, ledgerTable),
    source: dynamoDbProofSource({ client, earningsCountersTable, ledgerTable }),
    settlement: dynamoDbSettlementTable({
      ...{ client, earningsCountersTable, ledgerTable },
      holdMs: rules.holdMs,
    }),
    holds: dynamoDbHoldTable(client, earningsCountersTable),
    pools: dynamoDbPoolTable({ client, earningsCountersTable, registryTable, clock }),
    reviews: dynamoDbReviews(client, registryTable),
    reviewTable: dynamoDbReviewTable({
      ...{ client, impressionKeysTable, earningsCountersTable, registryTable, publisherId },
    }),
    bus: wiring.mutant.wrapBus?.(bus) ?? bus,
    tokens: plainTokens(clock),
    isBot: isKnownBot,
    ...rules,
    ...{ clock, pacing, currency, tallyShards, sha256: sha256Hex },
    ...{ minPayoutMicros, dayOfMonth: payoutDay, dedupeTtlDays: limits.dedupeTtlDays },
    dedupeTtlMs: limits.dedupeTtlDays * 86_400_000,
    onUnannounced: () => {},
    onFailed: () => {},
  };
}

/** A worker's part of a message, done: the deliveries that failed. */
type Work = (
  wiring: Wiring,
  by: Invocation,
  deliveries: readonly Delivery[],
  deadlineMs: number,
) => Promise<readonly string[]>;

export const countDeliveries: Work = async (wiring, by, deliveries, deadlineMs) => {
  const parts = partsFor(wiring, by);
  const { clock, pacing } = parts;
  const client = wiring.tables.client(by, wiring.mutant.rewrite);
  const table = watchCounting(
    dynamoDbCountingTable({ client, impressionKeysTable, earningsCountersTable, clock }),
    wiring.faults,
  );
  const real = countInTransactions({ table, clock, pacing });
  const { countOnce: instead, wrapCountOnce } = wiring.mutant;
  const countOnce =
    instead?.({ by, tables: wiring.tables }) ?? wrapCountOnce?.(real, wiring.tables) ?? real;
  const deps: CountDeps = { ...parts, countOnce, publisherId };
  const { failedIds, duplicates } = await countEngagements(deps, deliveries, deadlineMs);
  wiring.faults.met("duplicateEngagement", duplicates);
  return failedIds;
};

const traceId = "0".repeat(32);
const traceparent = `00-${traceId.replace(/0/g, "a")}-${"b".repeat(16)}-01`;

export function settleDeliveriesWatched(underSettlement: Map<CreatorId, number>): Work {
  return async (wiring, by, deliveries, deadlineMs) => {
    const { settlement, ...parts } = partsFor(wiring, by);
    const table = watchSettlement(settlement, wiring.faults, underSettlement);
    return (await settleDeliveries({ ...parts, table }, deliveries, deadlineMs, traceId)).failedIds;
  };
}

export const reviewDeliveries: Work = async (wiring, by, deliveries, deadlineMs) => {
  const { reviews: store, reviewTable: table, ...parts } = partsFor(wiring, by);
  const deps = { ...parts, store, table };
  return (await applyReviews(deps, deliveries, deadlineMs, traceparent)).failedIds;
};

export const payDeliveries: Work = async (wiring, by, deliveries, deadlineMs) => {
  const { minPayoutMicros: minMicros, ...parts } = partsFor(wiring, by);
  const trace = { traceId, traceparent };
  return (await payCreators({ ...parts, minMicros }, deliveries, deadlineMs, trace)).failedIds;
};

/** Tokens without cryptography, which would run outside virtual time: a token is its claims. */
export function plainTokens(clock: Clock): ViewTokens {
  return {
    sign: async (claims) => JSON.stringify(claims),
    verify: async (token) => {
      const claims = viewTokenClaimsSchema.safeParse(JSON.parse(token));
      if (!claims.success) return { ok: false, code: "token_invalid", detail: "not a token" };
      const expired = claims.data.exp * 1_000 <= clock.nowMs();
      if (expired) return { ok: false, code: "token_expired", detail: "the token has expired" };
      return { ok: true, claims: claims.data };
    },
  };
}

/** Passes everything on, and notes which ways through the counting step were taken. */
function watchCounting(table: CountingTable, faults: Faults): CountingTable {
  const shardTried = new Map<ImpressionKey, number>();
  const unanswered = new Set<ImpressionKey>();
  return {
    async commit(transaction) {
      const first = transaction.decisions[0]?.key;
      const shard = transaction.additions[0]?.id.shard;
      if (first !== undefined && shard !== undefined) {
        const before = shardTried.get(first);
        if (before !== undefined && before !== shard) faults.met("retriedOnAnotherShard");
        shardTried.set(first, shard);
      }
      try {
        const result = await table.commit(transaction);
        if (result.outcome === "cancelled") {
          const found = result.duplicates.map((index) => transaction.decisions[index]?.key);
          const own = found.some((key) => key !== undefined && unanswered.has(key));
          if (own) faults.met("ownKeysFoundAfterLostAnswer");
        }
        return result;
      } catch (error) {
        for (const { key } of transaction.decisions) unanswered.add(key);
        throw error;
      }
    },
  };
}

function watchSettlement(
  table: SettlementTable,
  faults: Faults,
  underSettlement: Map<CreatorId, number>,
): SettlementTable {
  return {
    ...table,
    async commit(entry, drains) {
      const others = underSettlement.get(entry.creatorId) ?? 0;
      if (others > 0) faults.met("settlementsOverlapped");
      underSettlement.set(entry.creatorId, others + 1);
      try {
        const result = await table.commit(entry, drains);
        if (result === "raced") faults.met("settlementRaced");
        return result;
      } finally {
        underSettlement.set(entry.creatorId, (underSettlement.get(entry.creatorId) ?? 1) - 1);
      }
    },
  };
}
