import { expect, test } from "vitest";
import type { Integration } from "../../../core/integrations/integration.ts";
import type { SyncDeps } from "../../../core/integrations/sync-deps.ts";
import { syncIntegration } from "../../../core/integrations/sync-integration.ts";
import { closedBreaker } from "../../../core/pacing/breaker.ts";

const nowMs = 1_000_000;
const integration = {
  ...{ integrationId: "crm", url: "https://crm.example/", method: "POST", headers: {} },
  ...{ ratePerSecond: 100, timeoutMs: 1_000, failuresToOpen: 5, coolDownMs: 1_000 },
  ...{ secrets: [], createdAtMs: 0, updatedAtMs: 0, revision: 1 },
} as unknown as Integration;

/** A service that says "not now, but at once". */
const deps = {
  store: { read: async () => integration },
  clock: { nowMs: () => nowMs },
  pacing: { random: () => 0.5, sleep: async () => {} },
  breakers: {
    read: async () => closedBreaker(0),
    admit: async () => ({ kind: "admitted", epoch: 1 }),
    record: async () => {},
  },
  leases: { take: async () => ({ kind: "taken" }), giveBack: async () => {} },
  limiter: {
    reserve: async () => ({ kind: "reserved", waitMs: 0, fullInMs: 0 }),
    pauseUntil: async () => {},
  },
  outcomes: { add: async () => {} },
  secrets: { sign: async () => "" },
  outbound: {
    call: async () => ({
      ...{ kind: "answered", status: 429, headers: { "retry-after": "0" } },
      ...{ body: "", truncated: false, durationMs: 1 },
    }),
  },
  onUnrecorded() {},
} as unknown as SyncDeps;

test.each([
  [0, 500],
  [5, 16_000],
  [50, 150_000],
])(
  "a service that wants to be called again at once, after %d calls, is called after %d ms",
  async (calls, ms) => {
    const run = {
      ...{
        payload: { integrationId: "crm", data: {} },
        checkpoint: { calls },
        acceptedAtMs: nowMs,
      },
      report: async () => {},
    };
    await expect(syncIntegration(deps, run as never)).resolves.toMatchObject({
      ...{ kind: "unfinished", atMs: nowMs + ms },
    });
  },
);
