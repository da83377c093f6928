import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CreatorId } from "../../../core/contracts/ids.ts";
import { limits } from "../../../core/contracts/limits.ts";
import { postAdjustment } from "../../../core/ledger/adjust.ts";
import { entryIdOf, inPayoutOf, payableOf } from "../../../core/ledger/entry.ts";
import type { OutgoingEvent } from "../../../core/messaging/event-publisher.ts";
import { payCreators } from "../../../core/payouts/pay-creators.ts";
import { readPayouts } from "../../../core/payouts/read-payouts.ts";
import { recordPayoutResult } from "../../../core/payouts/record-payout-result.ts";
import { decidePayout, requestPayout } from "../../../core/payouts/request-payout.ts";
import { runDue, runPayouts } from "../../../core/payouts/run-payouts.ts";
import { micros } from "../../../core/values/micros.ts";
import { memoryLedger } from "./memory-ledger.ts";

const creatorId = "ada" as CreatorId;
const trace = { traceId: "t".repeat(32), traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01` };
const cent = 10_000n;

function world(at = "2028-03-01T12:00:00Z") {
  const ledger = memoryLedger();
  const published: OutgoingEvent[] = [];
  const done = new Set<string>();
  const bus = { up: true };
  const nowMs = Date.parse(at);
  const deps = {
    payouts: ledger,
    ledger,
    bus: {
      publish: async (events: readonly OutgoingEvent[]) => {
        if (!bus.up) throw new Error("the bus is down");
        published.push(...events);
      },
    },
    clock: { nowMs: () => nowMs },
    pacing: { sleep: async () => {}, random: () => 0.5 },
    currency: "USD",
    minMicros: micros(10_000_000n),
    dayOfMonth: 1,
    onUnannounced: () => {},
    onFailed: () => {},
    runs: {
      isDone: async (run: string) => done.has(run),
      markDone: async (run: string) => void done.add(run),
      accounts: async function* (bucket: number) {
        const all = [...new Set(ledger.entries.map((entry) => entry.creatorId))];
        if (bucket === 0 && all.length > 0) yield all;
      },
    },
  };
  const by = { bookedBy: "publisher:p", traceId: "t" };
  return {
    ledger,
    published,
    bus,
    earn: (amountMicros: bigint, to = creatorId) => {
      const hand = { ...by, requestId: `earn ${ledger.entries.length}` };
      return postAdjustment(deps, { creatorId: to, amountMicros, note: "earned" }, hand);
    },
    request: (amountMicros?: bigint, requestId = "r1") =>
      requestPayout(
        deps,
        { creatorId, amountMicros, requestId, requestedBy: "publisher:p" },
        trace,
      ),
    result: (payoutId: string, status: "paid" | "failed") =>
      recordPayoutResult(
        deps,
        payoutId,
        status === "paid" ? { status } : { status, reason: "closed account" },
        by,
      ),
    run: () => runPayouts(deps, trace.traceparent),
    pay: () => {
      const due = published.filter(({ contract }) => contract.detailType === "PayoutsDue");
      const deliveries = due.map(({ contract, detail }, index) => ({
        id: String(index),
        body: JSON.stringify({
          source: contract.source,
          "detail-type": contract.detailType,
          detail,
        }),
      }));
      return payCreators(deps, deliveries, Number.POSITIVE_INFINITY, trace);
    },
    balance: async () => {
      const { totals } = await ledger.readAccount(creatorId);
      return { payable: payableOf(totals), inPayout: inPayoutOf(totals) };
    },
  };
}

const announced = (published: readonly OutgoingEvent[]) =>
  published.filter(({ contract }) => contract.detailType === "PayoutRequested");

describe("how much is paid out", () => {
  const amounts = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });

  test("S7: never more than is payable, less than the minimum, or part of a cent by itself", () => {
    fc.assert(
      fc.property(amounts, fc.bigInt({ min: 0n, max: 10n ** 9n }), (payable, minimum) => {
        const decision = decidePayout(micros(payable), undefined, micros(minimum));
        if (decision.outcome !== "pay") {
          expect(decision.outcome).toBe("below-minimum");
          expect(payable < minimum + cent || payable < cent).toBe(true);
          return;
        }
        expect(decision.amountMicros % cent).toBe(0n);
        expect(decision.amountMicros >= minimum && decision.amountMicros > 0n).toBe(true);
        expect(payable - decision.amountMicros).toBeGreaterThanOrEqual(0n);
        expect(payable - decision.amountMicros).toBeLessThan(cent);
      }),
    );
  });

  test("of more than one payout may be, the limit; what is asked for is never changed", () => {
    const limit = limits.maxAmountMicros;
    const decide = (payable: bigint, asked?: bigint) =>
      decidePayout(micros(payable), asked, micros(0n));
    expect(decide(limit + 19_999n)).toEqual({ outcome: "pay", amountMicros: limit });
    expect(decide(40n * limit)).toEqual({ outcome: "pay", amountMicros: limit });
    expect(decide(limit - 1n)).toMatchObject({ amountMicros: limit - cent });
    expect(decide(40n * limit, cent)).toMatchObject({ amountMicros: cent });
  });

  test("S7: a negative balance pays nothing, and is carried", async () => {
    const { earn, request, balance } = world();
    await earn(-5n);
    await expect(request()).rejects.toMatchObject({ status: 409, code: "payout-below-minimum" });
    await expect(request(20_000_000n)).rejects.toThrow("more than the -5 micros");
    expect(await balance()).toEqual({ payable: -5n, inPayout: 0n });
  });

  test("an amount that is not whole cents is a 400 that names the next smaller one", async () => {
    const { earn, request } = world();
    await earn(30_000_000n);
    await expect(request(20_000_001n)).rejects.toThrow("ask for 20000000");
  });
});

describe("a payout", () => {
  test("is reserved in whole cents, announced once, and the rest stays payable", async () => {
    const { earn, request, balance, published } = world();
    await earn(12_345_678n);
    const payout = await request();
    expect(payout).toMatchObject({ state: "reserved", amountMicros: 12_340_000n });
    expect(await balance()).toEqual({ payable: 5_678n, inPayout: 12_340_000n });
    expect(announced(published).map(({ detail }) => detail)).toMatchObject([
      { payoutId: entryIdOf(payout), creatorId, amountMicros: "12340000", currency: "USD" },
    ]);
  });

  test("is found by its retry, which announces what was not announced, and only that", async () => {
    const { earn, request, bus, published, ledger } = world();
    await earn(20_000_000n);
    bus.up = false;
    const payout = await request();
    expect(published).toEqual([]);
    bus.up = true;
    expect(await request()).toEqual(payout);
    expect(await request()).toEqual(payout);
    expect(announced(published)).toHaveLength(1);
    expect(ledger.entries).toHaveLength(2);
    await expect(request(10_000_000n)).rejects.toMatchObject({ code: "idempotency-key-reused" });
  });

  test("of all that is payable, asked for ten times at once, is reserved once", async () => {
    const { earn, request, balance } = world();
    await earn(20_000_000n);
    const ids = Array.from({ length: 10 }, (_, index) => `r${index}`);
    const results = await Promise.allSettled(ids.map((id) => request(20_000_000n, id)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await balance()).toEqual({ payable: 0n, inPayout: 20_000_000n });
  });

  test("that is paid has arrived, once and for ever", async () => {
    const { earn, request, result, balance, ledger } = world();
    await earn(20_000_000n);
    const payoutId = entryIdOf(await request());
    const paid = await result(payoutId, "paid");
    expect(paid.state).toBe("paid");
    expect(await result(payoutId, "paid")).toEqual(paid);
    await expect(result(payoutId, "failed")).rejects.toMatchObject({ code: "payout-already-paid" });
    expect(await balance()).toEqual({ payable: 0n, inPayout: 0n });
    expect(ledger.open.size).toBe(0);
    expect(ledger.entries.at(-1)).toMatchObject({
      type: "payout-confirmation",
      corrects: payoutId,
    });
  });

  test("that failed is payable again, and can be requested anew", async () => {
    const { earn, request, result, balance } = world();
    await earn(20_000_000n);
    const payoutId = entryIdOf(await request());
    expect(await result(payoutId, "failed")).toMatchObject({
      state: "failed",
      result: { reason: "closed account" },
    });
    await expect(result(payoutId, "paid")).rejects.toMatchObject({
      code: "payout-already-failed",
    });
    expect(await balance()).toEqual({ payable: 20_000_000n, inPayout: 0n });
    expect(await request(undefined, "r2")).toMatchObject({ state: "reserved" });
  });

  test("J1: that gets both results at once has one of them", async () => {
    const { earn, request, result, ledger } = world();
    await earn(20_000_000n);
    const payoutId = entryIdOf(await request());
    const both = ["paid", "failed", "paid", "failed"] as const;
    await Promise.allSettled(both.map((status) => result(payoutId, status)));
    const types = ledger.entries.map(({ type }) => type);
    expect(types.filter((type) => type.startsWith("payout-"))).toHaveLength(1);
  });

  test("that was never reserved has no result", async () => {
    const { earn, result } = world();
    await earn(5n);
    await expect(result("ada.0000000001", "paid")).rejects.toMatchObject({ status: 404 });
    await expect(result("nonsense", "paid")).rejects.toMatchObject({ status: 404 });
  });
});

test("payouts come in pages, newest first", async () => {
  const { earn, request, ledger } = world();
  for (let index = 0; index < 5; index += 1) {
    await earn(20_000_000n);
    await request(undefined, `r${index}`);
  }
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await readPayouts(ledger, creatorId, { limit: 2, cursor }, { names: false });
    seen.push(...page.items.map(({ payoutId }) => payoutId));
    cursor = page.nextCursor;
  } while (cursor);
  expect(seen).toEqual([10, 8, 6, 4, 2].map((sequence) => entryIdOf({ creatorId, sequence })));
});

describe("the monthly run", () => {
  test.each([
    ["2028-03-01T05:59:59.999Z", 1, undefined],
    ["2028-03-01T06:00:00Z", 1, "2028-03"],
    ["2028-02-29T23:00:00Z", 28, "2028-02"],
    ["2028-02-27T23:00:00Z", 28, undefined],
  ])("at %s, with day %i, is %s", (at, dayOfMonth, run) => {
    expect(runDue(Date.parse(at), dayOfMonth)).toBe(run);
  });

  test("S5: pays everyone once, however often it runs and is delivered", async () => {
    const { earn, run, pay, published, balance } = world();
    await earn(20_000_000n);
    await earn(9_999_999n, "bob" as CreatorId);
    await earn(-1n, "cleo" as CreatorId);
    expect(await run()).toMatchObject({ run: "2028-03", named: 3 });
    expect(await run()).toMatchObject({ named: 0 });
    expect(await pay()).toEqual({ failedIds: [], reserved: 1, carried: 2 });
    await earn(50_000_000n);
    // Delivered once more: its creators were paid in this run, or are below the minimum still.
    expect(await pay()).toEqual({ failedIds: [], reserved: 1, carried: 2 });
    expect(announced(published)).toHaveLength(1);
    expect(await balance()).toEqual({ payable: 50_000_000n, inPayout: 20_000_000n });
  });

  test("is not done before everyone is named", async () => {
    const { earn, run, bus } = world();
    await earn(20_000_000n);
    bus.up = false;
    await expect(run()).rejects.toThrow("the bus is down");
    bus.up = true;
    expect(await run()).toMatchObject({ named: 1 });
  });

  test("announces what a crash left unannounced", async () => {
    const { earn, request, run, bus, published } = world("2028-03-01T01:00:00Z");
    await earn(20_000_000n);
    bus.up = false;
    await request();
    bus.up = true;
    expect(await run()).toMatchObject({ open: 1, announced: 1, named: 0 });
    expect(await run()).toMatchObject({ open: 1, announced: 0 });
    expect(announced(published)).toHaveLength(1);
  });
});
