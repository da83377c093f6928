import { expect, test } from "vitest";
import { createFaults, type FaultPlan } from "../../../local/faults.ts";

const plan: FaultPlan = {
  putEvents: { failEntry: 0.3, dropResponse: 0.1 },
  queues: { "*": { duplicate: 0.2, delay: 0.2, reorder: 0.5 } },
  functions: { worker: { killAtCall: { chance: 0.3, call: 2, when: "after" } } },
};

function history(seed: number) {
  const faults = createFaults(seed, plan);
  return Array.from({ length: 50 }, () => {
    const batch = [1, 2, 3, 4];
    faults.shuffle("q", batch);
    const { failedEntries, dropResponse } = faults.onPutEvents(10);
    return [
      [...failedEntries],
      dropResponse,
      faults.onDelivery("q"),
      faults.onInvocation("worker"),
      batch,
    ];
  });
}

test("one seed gives one history", () => {
  expect(history(7)).toEqual(history(7));
  expect(history(7)).not.toEqual(history(8));
});

test("a fault that is asked for once strikes once, where it fits", () => {
  const faults = createFaults(1);
  faults.once({ on: "invocation", function: "worker", fault: { kind: "throttle" } });
  expect(faults.onInvocation("another")).toBeUndefined();
  expect(faults.onInvocation("worker")).toEqual({ kind: "throttle" });
  expect(faults.onInvocation("worker")).toBeUndefined();
});

test("without a plan nothing goes wrong", () => {
  const faults = createFaults(1);
  expect(faults.onPutEvents(10)).toEqual({
    failedEntries: new Set(),
    lostEntries: new Set(),
    dropResponse: false,
    hang: false,
  });
  expect(faults.refuses("q")).toBe(false);
  expect(faults.onDelivery("q")).toBeUndefined();
});
