import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { proofFromEnvironment } from "../../adapters/dynamodb/proof-from-environment.ts";
import { dynamoDbSummaries } from "../../adapters/dynamodb/summary-store.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { proveAndSumUp } from "../../core/earnings/earnings-summary.ts";

const deps = proofFromEnvironment();
const summaries = dynamoDbSummaries(documentClient, setting("registryTable"));

/** @throws when money does not add up: a failed run is what the alarm watches. */
export const handler = scheduledHandler(async () => {
  const {
    proof: { differences, ...proof },
    summary,
  } = await proveAndSumUp(deps);
  for (const difference of differences) logger.error("money does not add up", { ...difference });
  metrics.addMetric("ProofDifferences", MetricUnit.Count, differences.length);
  logger.info("proved", { proof });
  await summaries.put(summary);
  const [first] = differences;
  if (!first) return;
  const { creatorId = "all creators", entryId, what, expected, actual } = first;
  const where = entryId === undefined ? creatorId : `${creatorId}, entry ${entryId}`;
  throw new Error(
    `${differences.length} differences; the first: ${where}: ${what}: ` +
      `expected ${expected}, found ${actual}`,
  );
});
