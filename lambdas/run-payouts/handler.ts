import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbPayoutRuns, dynamoDbPayouts } from "../../adapters/dynamodb/payout-store.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { runPayouts } from "../../core/payouts/run-payouts.ts";

const ledgerTable = setting("ledgerTable");
const deps = {
  payouts: dynamoDbPayouts(documentClient, ledgerTable),
  runs: dynamoDbPayoutRuns(documentClient, ledgerTable),
  bus: busFromEnvironment(),
  clock: systemClock,
  dayOfMonth: numberSetting("payoutDayOfMonth"),
  onUnannounced: (payoutId: string, error: unknown) =>
    logger.warn("not announced yet", { payoutId, error }),
};

export const handler = scheduledHandler(async ({ trace }) => {
  const result = await runPayouts(deps, trace.traceparent);
  logger.info("payouts looked after", result);
  metrics.addMetric("PayoutsOpen", MetricUnit.Count, result.open);
  metrics.addMetric("PayoutsOldestAge", MetricUnit.Milliseconds, result.oldestAgeMs);
});
