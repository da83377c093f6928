/** An answer of `GET /v1/admin/proof`, in which everything adds up unless changed. */
export function simpleProof(changes: Readonly<Record<string, unknown>> = {}) {
  return {
    ok: true,
    asOf: "2026-01-02T03:04:05.000Z",
    quiet: true,
    counted: { engagements: "1234", micros: "1300000", voidedMicros: "1000" },
    rejected: { engagements: "2" },
    counters: { pendingMicros: "300000", pendingHeldMicros: "0" },
    ledger: {
      entries: 3,
      payableMicros: "900000",
      heldMicros: "99000",
      inPayoutMicros: "0",
      paidOutMicros: "0",
      adjustedMicros: "0",
      feeMicros: "50000",
    },
    creators: 1,
    differences: [] as readonly unknown[],
    ...changes,
  };
}
