import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../../core/contracts/limits.ts";
import type { OutboundOutcome } from "../../../core/outbound/outbound-caller.ts";
import { dayMs, hourMs } from "../../../core/values/time.ts";
import { startOfTimedIds, timedIdOf } from "../../../core/values/timed-id.ts";
import {
  attempted,
  claimed,
  deliveryIdOf,
  givenUp,
  newDelivery,
  placeOf,
  postponed,
  sentAgain,
} from "../../../core/webhooks/delivery.ts";
import { rotated, validSecrets, type WebhookEndpoint } from "../../../core/webhooks/endpoint.ts";
import {
  hasFailedTooLong,
  healthAfter,
  maxFailingMs,
  unknownHealth,
} from "../../../core/webhooks/endpoint-health.ts";
import { retryAtMs, retryDelaysMs } from "../../../core/webhooks/retry-schedule.ts";

const nowMs = Date.UTC(2026, 0, 31, 9, 30);
const answered = (status: number, retryAfter?: string): OutboundOutcome => ({
  ...{ kind: "answered", status, body: "", truncated: false, durationMs: 1 },
  headers: retryAfter === undefined ? {} : { "retry-after": retryAfter },
});

describe("retries", () => {
  test("come after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, and then no more", () => {
    const hours = [1 / 720, 1 / 12, 0.5, 2, 5, 10, 14, 20, 24];
    expect(retryDelaysMs).toEqual(hours.map((one) => one * hourMs));
    const at = (tries: number) => retryAtMs(tries, answered(500), nowMs, () => 0);
    for (const [index, one] of hours.entries()) expect(at(index + 1)).toBe(nowMs + one * hourMs);
    expect(at(10)).toBeUndefined();
  });

  test("are never earlier than that, and at most a tenth later", () => {
    const tries = fc.integer({ min: 1, max: retryDelaysMs.length });
    fc.assert(
      fc.property(tries, fc.double({ min: 0, max: 0.999, noNaN: true }), (made, chance) => {
        const delayMs = retryDelaysMs[made - 1] ?? 0;
        const atMs = retryAtMs(made, answered(500), nowMs, () => chance) ?? 0;
        expect(atMs - nowMs).toBeGreaterThanOrEqual(delayMs);
        expect(atMs - nowMs).toBeLessThanOrEqual(delayMs * 1.1);
      }),
    );
  });

  test.each([
    [429, "120", 120_000],
    [503, new Date(nowMs + 90_000).toUTCString(), 90_000],
    [503, "999999999", dayMs],
    [429, new Date(nowMs - 90_000).toUTCString(), 0],
    [429, "soon", 0],
    [429, "-5", 0],
    [429, undefined, 0],
    [500, "120", 0],
  ])("of a %i with Retry-After %s wait for %i ms at least", (status, header, ms) => {
    const atMs = retryAtMs(1, answered(status, header), nowMs, () => 0);
    expect(atMs).toBe(nowMs + Math.max(ms, 5_000));
  });

  test("wait for as long as a receiver asks, where that is longer", () => {
    expect(retryAtMs(1, answered(503, "60"), nowMs, () => 0)).toBe(nowMs + 60_000);
    expect(retryAtMs(3, answered(503, "60"), nowMs, () => 0)).toBe(nowMs + hourMs / 2);
  });
});

describe("a delivery", () => {
  const deliveryId = deliveryIdOf("callbacks", timedIdOf(nowMs, "0123456789ab"));
  const fresh = newDelivery(
    {
      ...{ deliveryId, owner: "creator:ada", endpointId: "callbacks", type: "job.failed" },
      traceparent: "",
    },
    nowMs,
  );
  const attempt = { atMs: nowMs, durationMs: 3, status: 500 };

  test("keeps each attempt, and says when the next one is", () => {
    const claim = claimed(fresh, nowMs + 1, nowMs);
    expect(claim).toMatchObject({ state: "pending", version: 2, diallingUntilMs: nowMs + 1 });
    const next = attempted(claim, attempt, { kind: "retry", atMs: nowMs + 5 }, nowMs);
    expect(next).toMatchObject({ state: "pending", tries: 1, nextAttemptAtMs: nowMs + 5 });
    expect(next).not.toHaveProperty("diallingUntilMs");
    const last = attempted(next, { ...attempt, status: 200 }, { kind: "delivered" }, nowMs);
    expect(last).toMatchObject({ state: "delivered", version: 4, attempts: [attempt, {}] });
    expect(last).not.toHaveProperty("nextAttemptAtMs");
  });

  test("that arrived stays so, whatever another worker at it came to", () => {
    const arrived = attempted(fresh, attempt, { kind: "delivered" }, nowMs);
    const late = attempted(arrived, attempt, { kind: "retry", atMs: nowMs + 5 }, nowMs);
    expect(late).toMatchObject({ state: "delivered", attempts: [attempt, attempt] });
    expect(late).not.toHaveProperty("nextAttemptAtMs");
  });

  test("that was given up begins anew when it is sent again", () => {
    const turn = postponed(fresh, nowMs + 9, true, nowMs);
    expect(turn).toMatchObject({ hasTurn: true, nextAttemptAtMs: nowMs + 9 });
    const lost = givenUp(turn, "endpoint-disabled", nowMs);
    expect(lost).toMatchObject({ state: "failed", failure: "endpoint-disabled" });
    const again = sentAgain(lost, nowMs + 7);
    expect(again).toMatchObject({ state: "pending", tries: 0, nextAttemptAtMs: nowMs + 7 });
    expect(again).not.toHaveProperty("failure");
    expect(again).not.toHaveProperty("hasTurn");
  });

  test("is found by its id, which sorts by time, and other text is no id", () => {
    expect(placeOf(deliveryId)?.endpointId).toBe("callbacks");
    for (const text of ["", "callbacks", `x${deliveryId}`, `${deliveryId}0`, "ep_1-2"]) {
      expect(placeOf(text)).toBeUndefined();
    }
    const time = fc.integer({ min: 0, max: nowMs });
    fc.assert(
      fc.property(time, time, (one, other) => {
        const [a, b] = [timedIdOf(one, "f".repeat(64)), startOfTimedIds(other)];
        expect(a < b).toBe(one < other);
      }),
    );
  });
});

describe("an endpoint's health", () => {
  const made = (health: typeof unknownHealth, succeeded: boolean, durationMs: number, ms = nowMs) =>
    healthAfter(health, { succeeded, durationMs }, ms);

  test("is written down only where it says something new", () => {
    expect(made(unknownHealth, true, 20)).toBeUndefined();
    const failing = made(unknownHealth, false, 20) ?? unknownHealth;
    expect(failing).toEqual({ failingSinceMs: nowMs, revision: 1 });
    expect(made(failing, false, 20, nowMs + 5)).toBeUndefined();
    expect(made(failing, true, 20)).toEqual({ revision: 2 });
    const slow = made(unknownHealth, true, 10_000) ?? unknownHealth;
    expect(slow).toEqual({ paceMs: 3_334, revision: 1 });
    expect(made(slow, true, 9_000)).toBeUndefined();
    expect(made(slow, true, 20)).toEqual({ revision: 2 });
  });

  test("W3: five days with nothing but failure are too long", () => {
    const failing = { failingSinceMs: nowMs, revision: 1 };
    expect(hasFailedTooLong(failing, 0, nowMs + maxFailingMs - 1)).toBe(false);
    expect(hasFailedTooLong(failing, 0, nowMs + maxFailingMs)).toBe(true);
    expect(hasFailedTooLong(unknownHealth, 0, nowMs)).toBe(false);
    // Enabled again: what went before does not count.
    expect(hasFailedTooLong(failing, nowMs + 1, nowMs + maxFailingMs)).toBe(false);
  });
});

describe("rotation", () => {
  const endpoint: WebhookEndpoint = {
    ...{ endpointId: "ep", owner: "publisher", ordered: false, state: "enabled", fingerprint: "" },
    secrets: [{ generation: 1, createdAtMs: nowMs, requestId: "r1" }],
    ...{ createdAtMs: nowMs, changedAtMs: nowMs, revision: 1 },
  };
  const valid = (one: WebhookEndpoint, ms: number) =>
    validSecrets(one, ms).map(({ generation }) => generation);

  test("leaves the secret before valid until the overlap is over, and not a moment longer", () => {
    const next = rotated(endpoint, "r2", hourMs, nowMs);
    expect(valid(next, nowMs)).toEqual([2, 1]);
    expect(valid(next, nowMs + hourMs - 1)).toEqual([2, 1]);
    expect(valid(next, nowMs + hourMs)).toEqual([2]);
  });

  test("never lets a secret last longer than was said before", () => {
    const twice = rotated(rotated(endpoint, "r2", hourMs, nowMs), "r3", dayMs, nowMs);
    expect(valid(twice, nowMs + hourMs)).toEqual([3, 2]);
    expect(valid(rotated(twice, "r4", 0, nowMs), nowMs)).toEqual([4]);
  });

  test("is refused while too many are valid", () => {
    let many = endpoint;
    for (let at = 1; at < limits.maxSecrets; at += 1) many = rotated(many, `r${at}`, hourMs, nowMs);
    expect(() => rotated(many, "more", hourMs, nowMs)).toThrow('"overlapHours": 0');
    expect(valid(rotated(many, "more", hourMs, nowMs + hourMs), nowMs + hourMs)).toHaveLength(2);
  });
});
