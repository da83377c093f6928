import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbPayouts } from "../../adapters/dynamodb/payout-store.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { failing } from "../../adapters/lambda/failures.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { payCreators } from "../../core/payouts/pay-creators.ts";
import { micros } from "../../core/values/micros.ts";

const deps = {
  payouts: dynamoDbPayouts(documentClient, setting("ledgerTable")),
  bus: busFromEnvironment(),
  clock: systemClock,
  pacing: systemPacing,
  currency: setting("currency"),
  minMicros: micros(BigInt(setting("payoutMinMicros"))),
  onUnannounced: (payoutId: string, error: unknown) =>
    logger.warn("not announced yet", { payoutId, error }),
  onFailed: failing("not paid"),
};

export const handler = workerHandler(async ({ deliveries, deadlineMs, trace }) => {
  const { failedIds, ...paid } = await payCreators(deps, deliveries, deadlineMs, trace);
  logger.info("creators paid", { ...paid });
  metrics.addMetric("PayoutsReserved", MetricUnit.Count, paid.reserved);
  metrics.addMetric("PayoutsCarried", MetricUnit.Count, paid.carried);
  return failedIds;
});
