import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbSettlementTable } from "../../adapters/dynamodb/settlement-table.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { failing } from "../../adapters/lambda/failures.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { traceEntries } from "../../adapters/lambda/traces.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { announceBalances } from "../../core/earnings/announce-balances.ts";
import { type SettleDeps, settleDeliveries } from "../../core/earnings/settle-creator.ts";
import type { LedgerEntry } from "../../core/ledger/entry.ts";
import { micros } from "../../core/values/micros.ts";
import { dayMs } from "../../core/values/time.ts";

const deps: SettleDeps = {
  table: dynamoDbSettlementTable({
    client: documentClient,
    earningsCountersTable: setting("earningsCountersTable"),
    ledgerTable: setting("ledgerTable"),
    holdMs: numberSetting("holdDays") * dayMs,
  }),
  clock: systemClock,
  pacing: systemPacing,
  currency: setting("currency"),
  minMicros: micros(BigInt(setting("settlementMinMicros"))),
  maxWaitMs: numberSetting("settlementMaxWaitMs"),
};

const announcing = {
  bus: busFromEnvironment(),
  onFailed: (error: unknown) => logger.warn("balances not announced", { error }),
};

export const handler = workerHandler(async ({ deliveries, deadlineMs, trace }) => {
  const entries: LedgerEntry[] = [];
  let waitedMs = 0;
  const { failedIds, ...settled } = await settleDeliveries(
    {
      ...deps,
      onDue(ms) {
        waitedMs = Math.max(waitedMs, ms);
      },
      onBooked: (entry) => entries.push(entry),
      onFailed: failing("not settled"),
    },
    deliveries,
    deadlineMs,
    trace.traceId,
  );
  traceEntries(deliveries, entries);
  const booked = new Set(entries.map(({ creatorId }) => creatorId));
  await announceBalances(announcing, booked, trace.traceparent);
  logger.info("settled", { ...settled, settledMicros: String(settled.settledMicros) });
  metrics.addMetric("SettlementLag", MetricUnit.Seconds, waitedMs / 1_000);
  metrics.addMetric("MicrosSettled", MetricUnit.Count, Number(settled.settledMicros));
  return failedIds;
});
