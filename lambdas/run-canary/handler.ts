import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { publicApi } from "../../adapters/canary/public-api.ts";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { readCounters } from "../../adapters/dynamodb/counters.ts";
import { dueCounterIds } from "../../adapters/dynamodb/due-counters.ts";
import { dynamoDbReaderHistory } from "../../adapters/dynamodb/reader-history.ts";
import { dynamoDbStates } from "../../adapters/dynamodb/state-store.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { newId, sha256Hex, systemClock, systemPacing } from "../../adapters/runtime.ts";
import { jwsViewTokens } from "../../adapters/view-tokens/jws-view-tokens.ts";
import { secretsManagerSource } from "../../adapters/view-tokens/secrets.ts";
import { type CanaryDeps, type Probe, runCanary } from "../../core/canary/run-canary.ts";

const client = documentClient;
const clock = systemClock;
const countersTable = setting("earningsCountersTable");
const withinMs = numberSetting("canaryWithinSeconds") * 1_000;
const waitsForCompany = BigInt(setting("settlementMinMicros")) > 0n;

const deps: CanaryDeps = {
  articles: dynamoDbArticles(client, setting("registryTable")),
  tokens: jwsViewTokens(secretsManagerSource(setting("viewTokenSecretArn"), clock), clock),
  api: publicApi(setting("apiUrl")),
  probes: dynamoDbStates<readonly Probe[]>(
    { client, pacingTable: setting("pacingTable"), clock },
    "canary",
  ),
  history: dynamoDbReaderHistory({
    ...{ client, clock, impressionKeysTable: setting("impressionKeysTable"), maxItems: 10 },
  }),
  settlement: {
    async *dueCounters(creatorId) {
      for await (const ids of dueCounterIds(client, countersTable, creatorId)) {
        yield await readCounters(client, countersTable, ids);
      }
    },
  },
  ...{ clock, pacing: systemPacing, sha256: sha256Hex, newId, withinMs },
  publisherId: setting("publisherId"),
  currency: setting("currency"),
  settledWithinMs: withinMs + (waitsForCompany ? numberSetting("settlementMaxWaitMs") : 0),
};

/** Its metric is what rings: a run that finds a fault has done its work. */
export const handler = scheduledHandler(async () => {
  const { failures, refused } = await runCanary(deps);
  for (const failure of failures) logger.error("the canary did not arrive", { ...failure });
  if (refused) logger.warn("the canary was refused: too much waits to be counted");
  // It proved nothing then: an alarm that rings goes on until it does.
  if (refused && failures.length === 0) return;
  metrics.addMetric("CanaryFailures", MetricUnit.Count, failures.length);
});
