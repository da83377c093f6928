import { expect, test } from "vitest";
import { settlementDue } from "../../../core/contracts/events.ts";
import { settleDeliveries } from "../../../core/earnings/settle-creator.ts";
import type { SettlementTable } from "../../../core/earnings/settlement-table.ts";
import { micros } from "../../../core/values/micros.ts";

const pacing = { sleep: async () => {}, random: () => 0 };

function messageNaming(creatorIds: readonly string[]): string {
  const { source, detailType } = settlementDue;
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const detail = { schemaVersion: 1, traceparent, creatorIds };
  return JSON.stringify({ source, "detail-type": detailType, detail });
}

test("a creator that cannot be settled keeps no other one of its message from it", async () => {
  const creators = Array.from({ length: 30 }, (_, index) => `c${index}`);
  const looked: string[] = [];
  const table = {
    // Nothing is due, which is all this needs to know; the third creator's table is broken.
    async *dueCounters(creatorId: string) {
      looked.push(creatorId);
      if (creatorId === "c2") throw new Error("broken");
      yield [];
    },
  } as unknown as SettlementTable;
  const failures: unknown[] = [];
  const result = await settleDeliveries(
    {
      ...{ table, pacing, currency: "USD", minMicros: micros(0), maxWaitMs: 0 },
      clock: { nowMs: () => 0 },
      onFailed: (id, error) => failures.push([id, error]),
    },
    [
      { id: "m1", body: messageNaming(creators) },
      { id: "m2", body: messageNaming(["d0"]) },
    ],
    1,
    "trace",
  );
  expect(looked).toEqual([...creators, "d0"]);
  expect(result.failedIds).toEqual(["m1"]);
  expect(failures).toEqual([["m1", new Error("broken")]]);
});
