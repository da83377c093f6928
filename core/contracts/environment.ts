/** Names of the environment variables that stacks set and handlers read. Values are never secrets. */
export const environment = {
  publisherId: "PUBLISHER_ID",
  currency: "CURRENCY",
  eventBusName: "EVENT_BUS_NAME",
  impressionKeysTable: "IMPRESSION_KEYS_TABLE",
  earningsCountersTable: "EARNINGS_COUNTERS_TABLE",
  ledgerTable: "LEDGER_TABLE",
  registryTable: "REGISTRY_TABLE",
  idempotencyTable: "IDEMPOTENCY_TABLE",
  viewTokenSecretArn: "VIEW_TOKEN_SECRET_ARN",
  dedupeTtlDays: "DEDUPE_TTL_DAYS",
  settlementMinMicros: "SETTLEMENT_MIN_MICROS",
  settlementMaxWaitMs: "SETTLEMENT_MAX_WAIT_MS",
} as const;
