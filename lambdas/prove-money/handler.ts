import { documentClient } from "../../adapters/dynamodb/client.ts";
import { proofFromEnvironment } from "../../adapters/dynamodb/proof-from-environment.ts";
import { dynamoDbSummaries } from "../../adapters/dynamodb/summary-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { proveAndSumUp } from "../../core/earnings/earnings-summary.ts";

const deps = proofFromEnvironment();
const summaries = dynamoDbSummaries(documentClient, setting("registryTable"));
const currency = setting("currency");

export const handler = apiHandler(async () => {
  const { proof, summary } = await proveAndSumUp(deps);
  try {
    await summaries.put(summary);
  } catch (error) {
    // Sums may be an hour old; the proof was asked for now.
    logger.error("could not keep the summary", error as Error);
  }
  return ok({ currency, ...proof });
});
