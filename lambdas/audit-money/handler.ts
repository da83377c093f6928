import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { proofFromEnvironment } from "../../adapters/dynamodb/proof-from-environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";

const deps = proofFromEnvironment();

/** @throws when money does not add up: a failed run is what the alarm watches. */
export const handler = scheduledHandler(async () => {
  const { differences, ...proof } = await proveMoney(deps);
  for (const difference of differences) logger.error("money does not add up", { ...difference });
  metrics.addMetric("ProofDifferences", MetricUnit.Count, differences.length);
  logger.info("proved", { proof });
  const [first] = differences;
  if (!first) return;
  const { creatorId = "all creators", entryId, what, expected, actual } = first;
  const where = entryId === undefined ? creatorId : `${creatorId}, entry ${entryId}`;
  throw new Error(
    `${differences.length} differences; the first: ${where}: ${what}: ` +
      `expected ${expected}, found ${actual}`,
  );
});
