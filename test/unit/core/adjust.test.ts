import { expect, test } from "vitest";
import type { CreatorId, EntryId } from "../../../core/contracts/ids.ts";
import { postAdjustment } from "../../../core/ledger/adjust.ts";
import { entryIdOf, payableOf, payableTo, posting } from "../../../core/ledger/entry.ts";
import { reverseEntry } from "../../../core/ledger/reverse-entry.ts";
import { memoryLedger } from "./memory-ledger.ts";

const creatorId = "ada" as CreatorId;
const nowMs = Date.parse("2028-02-29T12:00:00Z");

function world() {
  const ledger = memoryLedger();
  const deps = {
    ledger,
    clock: { nowMs: () => nowMs },
    pacing: { sleep: async () => {}, random: () => 0.5 },
    currency: "USD",
  };
  const hand = (requestId: string) => ({ bookedBy: "admin:eve", requestId, traceId: "t" });
  return {
    ledger,
    adjust: (amountMicros: bigint, requestId = "r1", more: object = {}) =>
      postAdjustment(deps, { creatorId, amountMicros, note: "why", ...more }, hand(requestId)),
    reverse: (entryId: string, requestId = "r2") =>
      reverseEntry(deps, { entryId: entryId as EntryId, note: "mistake" }, hand(requestId)),
    payable: async () => payableOf((await ledger.readAccount(creatorId)).totals),
  };
}

test("an adjustment is owed on top, or less, and says who and why", async () => {
  const { adjust, payable } = world();
  const entry = await adjust(500n);
  expect(entry).toMatchObject({ type: "adjustment", bookedBy: "admin:eve", note: "why" });
  expect(entry.postings).toEqual([
    posting("expense:revenue-share", 500n),
    posting(payableTo(creatorId), -500n),
  ]);
  await adjust(-700n, "r2");
  expect(await payable()).toBe(-200n);
});

test("a retry finds its own entry, another body under its key is a 409", async () => {
  const { adjust, ledger } = world();
  const first = await adjust(500n);
  await adjust(1n, "another");
  expect(await adjust(500n)).toBe(first);
  await expect(adjust(501n)).rejects.toMatchObject({ code: "idempotency-key-reused" });
  expect(ledger.entries).toHaveLength(2);
});

test("of two at once both are booked, one after the other", async () => {
  const { adjust, ledger, payable } = world();
  await Promise.all(["a", "b", "c", "d"].map((id) => adjust(10n, id)));
  expect(ledger.entries.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  expect(await payable()).toBe(40n);
});

test("a day to come, and an entry of someone else, are refused by name", async () => {
  const { adjust } = world();
  await expect(adjust(1n, "r", { effectiveDay: "2028-03-01" })).rejects.toThrow("effectiveDay");
  const corrects = "bob.0000000001";
  await expect(adjust(1n, "r", { corrects })).rejects.toThrow(`corrects: "${corrects}"`);
  await expect(adjust(1n, "r", { corrects: "ada.0000000001" })).rejects.toThrow("corrects");
});

test("an entry is reversed once, by its mirror", async () => {
  const { adjust, reverse, payable, ledger } = world();
  const entryId = entryIdOf(await adjust(500n));
  const reversal = await reverse(entryId);
  expect(reversal).toMatchObject({ type: "adjustment", corrects: entryId });
  expect(await payable()).toBe(0n);
  expect(await reverse(entryId)).toBe(reversal);
  await expect(reverse(entryId, "another")).rejects.toThrow(
    `${entryId} was taken back by ${entryIdOf(reversal)}`,
  );
  expect(await ledger.correctionsOf(creatorId, 1)).toEqual([{ sequence: 2, reverses: true }]);
});

test("of many reversals at once one is booked", async () => {
  const { adjust, reverse, payable } = world();
  const entryId = entryIdOf(await adjust(500n));
  const ids = ["a", "b", "c", "d", "e"];
  const results = await Promise.allSettled(ids.map((id) => reverse(entryId, id)));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await payable()).toBe(0n);
});

test("an adjustment that corrects another does not keep it from being reversed", async () => {
  const { adjust, reverse, payable } = world();
  const entryId = entryIdOf(await adjust(500n));
  await adjust(-100n, "r3", { corrects: entryId });
  await reverse(entryId);
  expect(await payable()).toBe(-100n);
});

test("an entry that is not there, or not by hand, is not reversed", async () => {
  const { reverse } = world();
  await expect(reverse("ada.0000000009")).rejects.toMatchObject({ status: 404 });
});
