import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dynamoDbLedgerStore, dynamoDbStatements } from "../../adapters/dynamodb/ledger-store.ts";
import { dynamoDbPayoutRuns, dynamoDbPayouts } from "../../adapters/dynamodb/payout-store.ts";
import { systemPacing } from "../../adapters/runtime.ts";
import type { CreatorId } from "../../core/contracts/ids.ts";
import { accountBuckets } from "../../core/contracts/storage.ts";
import { postAdjustment } from "../../core/ledger/adjust.ts";
import { entryIdOf, payableOf } from "../../core/ledger/entry.ts";
import { readStatement, tieStatement } from "../../core/ledger/read-statement.ts";
import { reverseEntry } from "../../core/ledger/reverse-entry.ts";
import { readPayouts } from "../../core/payouts/read-payouts.ts";
import { recordPayoutResult } from "../../core/payouts/record-payout-result.ts";
import { requestPayout } from "../../core/payouts/request-payout.ts";
import { micros } from "../../core/values/micros.ts";
import { startTables, type TestTables } from "../support/tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

let creatorId: CreatorId;
let creators = 0;
beforeEach(() => {
  creators += 1;
  creatorId = `creator ${creators}/é` as CreatorId;
});

let nowMs = Date.parse("2028-01-15T12:00:00Z");
const trace = { traceId: "t", traceparent: "p" };
const by = { bookedBy: "admin:eve", traceId: "t" };

function world() {
  const { client, ledgerTable } = tables;
  const ledger = dynamoDbLedgerStore(client, ledgerTable);
  const payouts = dynamoDbPayouts(client, ledgerTable);
  const published: unknown[] = [];
  const deps = {
    ...{ ledger, payouts, currency: "USD", minMicros: micros(0n) },
    clock: { nowMs: () => nowMs },
    pacing: systemPacing,
    bus: { publish: async (events: readonly unknown[]) => void published.push(...events) },
    onUnannounced: (_: string, error: unknown) => {
      throw error;
    },
  };
  return {
    ...{ ledger, payouts, published },
    adjust: (amountMicros: bigint, requestId: string) =>
      postAdjustment(deps, { creatorId, amountMicros, note: "n" }, { ...by, requestId }),
    reverse: (entryId: string, requestId: string) =>
      reverseEntry(deps, { entryId: entryId as never, note: "n" }, { ...by, requestId }),
    request: (amountMicros: bigint, requestId: string) =>
      requestPayout(deps, { creatorId, amountMicros, requestId, requestedBy: "p" }, trace),
    result: (payoutId: string, status: "paid" | "failed") =>
      recordPayoutResult(
        deps,
        payoutId,
        status === "paid" ? { status, providerReference: "x" } : { status, reason: "closed" },
        by,
      ),
    statement: (month: string) =>
      readStatement(
        { ledger: dynamoDbStatements(client, ledgerTable), clock: deps.clock, currency: "USD" },
        creatorId,
        month,
      ),
    payable: async () => payableOf((await ledger.readAccount(creatorId)).totals),
  };
}

describe("on the tables themselves", () => {
  test("ten adjustments at once are all booked, each under its own number", async () => {
    const { adjust, payable, ledger } = world();
    const ids = Array.from({ length: 10 }, (_, index) => `r${index}`);
    const entries = await Promise.all(ids.map((id) => adjust(10n, id)));
    expect(entries.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(
      ids.map((_, index) => index + 1),
    );
    expect(await payable()).toBe(100n);
    const [first] = entries;
    expect(await ledger.entry(creatorId, first?.sequence ?? 0)).toEqual(first);
  });

  test("the same request ten times at once is booked once", async () => {
    const { adjust, payable } = world();
    const entries = await Promise.all(Array.from({ length: 10 }, () => adjust(10n, "same")));
    expect(new Set(entries.map(entryIdOf)).size).toBe(1);
    expect(await payable()).toBe(10n);
  });

  test("a reversal of ten at once is booked", async () => {
    const { adjust, reverse, payable, ledger } = world();
    const entryId = entryIdOf(await adjust(10n, "r"));
    const ids = Array.from({ length: 10 }, (_, index) => `r${index}`);
    const results = await Promise.allSettled(ids.map((id) => reverse(entryId, id)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await payable()).toBe(0n);
    expect(await ledger.correctionsOf(creatorId, 1)).toEqual([{ sequence: 2, reverses: true }]);
    expect(await ledger.correctionsOf(creatorId, 2)).toEqual([]);
  });

  test("a payout is reserved once, announced, listed, and concluded once", async () => {
    const { adjust, request, result, payouts, published } = world();
    await adjust(1_000_000n, "r");
    const ids = Array.from({ length: 10 }, (_, index) => `p${index}`);
    const results = await Promise.allSettled(ids.map((id) => request(1_000_000n, id)));
    const [won] = results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(published).toHaveLength(1);
    const payoutId = entryIdOf(won ?? expect.unreachable());
    const open = [];
    for await (const payout of payouts.openPayouts()) open.push(payout);
    expect(open).toEqual([
      {
        ...{ creatorId, sequence: 2, currency: "USD", amountMicros: 1_000_000n },
        ...{ requestedAtMs: nowMs, announced: true },
      },
    ]);

    const statuses = ["paid", "failed", "paid", "failed", "paid"] as const;
    await Promise.allSettled(statuses.map((status) => result(payoutId, status)));
    const page = await readPayouts(payouts, creatorId, { limit: 5 }, { names: false });
    expect(page.items).toHaveLength(1);
    expect(["paid", "failed"]).toContain(page.items[0]?.state);
    expect(await payouts.openPayout({ creatorId, sequence: 2 })).toBeUndefined();
    // Too late, and without effect: what is done is not put back on the list.
    await payouts.markAnnounced({ creatorId, sequence: 2 }, nowMs);
    expect(await payouts.openPayout({ creatorId, sequence: 2 })).toBeUndefined();
    expect((await world().ledger.readAccount(creatorId)).sequence).toBe(3);
  });

  test("statements of months tie, and follow one another", async () => {
    const { adjust, request, result, statement } = world();
    await adjust(5_000_000n, "a");
    nowMs = Date.parse("2028-02-10T00:00:00Z");
    const payout = await request(3_000_000n, "p");
    await adjust(-1n, "b");
    nowMs = Date.parse("2028-03-01T00:00:00Z");
    await result(entryIdOf(payout), "failed");
    const months = ["2027-12", "2028-01", "2028-02", "2028-03"];
    const statements = [];
    for (const month of months) statements.push(await statement(month));
    expect(statements.map(({ entries }) => entries)).toEqual([
      { count: 0 },
      { first: 1, last: 1, count: 1 },
      { first: 2, last: 3, count: 2 },
      { first: 4, last: 4, count: 1 },
    ]);
    for (const one of statements) {
      expect(tieStatement(one)).toEqual({ payable: 0n, held: 0n, inPayout: 0n });
    }
    expect(statements[2]).toMatchObject({
      opening: { payableMicros: "5000000" },
      payouts: { reservedMicros: "3000000", failedMicros: "0" },
      closing: { payableMicros: "1999999", inPayoutMicros: "3000000" },
    });
    expect(statements[3]?.closing).toEqual({
      payableMicros: "4999999",
      heldMicros: "0",
      inPayoutMicros: "0",
    });
  });

  test("the walk over accounts meets every creator who has one, and a run is done once", async () => {
    const { adjust } = world();
    await adjust(1n, "r");
    const runs = dynamoDbPayoutRuns(tables.client, tables.ledgerTable);
    const met: string[] = [];
    for (let bucket = 0; bucket < accountBuckets; bucket += 1) {
      for await (const page of runs.accounts(bucket)) met.push(...page);
    }
    expect(met).toContain(creatorId);
    expect(new Set(met).size).toBe(met.length);
    expect(await runs.isDone("2028-03")).toBe(false);
    await runs.markDone("2028-03", nowMs);
    expect(await runs.isDone("2028-03")).toBe(true);
  });
});
