import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { apiGatewaySockets } from "../../adapters/connections/api-gateway-sockets.ts";
import { balancesFromEnvironment } from "../../adapters/dynamodb/balances-from-environment.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbConnections } from "../../adapters/dynamodb/connection-store.ts";
import { dynamoDbJobs } from "../../adapters/dynamodb/job-store.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { failing } from "../../adapters/lambda/failures.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { type PushDeps, pushUpdates } from "../../core/connections/push-updates.ts";

const deps: PushDeps = {
  connections: dynamoDbConnections(documentClient, setting("connectionsTable")),
  jobs: dynamoDbJobs(documentClient, setting("jobsTable"), systemClock),
  readBalance: balancesFromEnvironment(),
  sockets: apiGatewaySockets(setting("connectionsEndpoint")),
  random: systemPacing.random,
  onFailed: failing("not pushed"),
};

export const handler = workerHandler(async ({ deliveries }) => {
  const { failed, sent, gone, slow } = await pushUpdates(deps, deliveries);
  logger.info("updates pushed", { deliveries: deliveries.length, sent, gone, slow });
  metrics.addMetric("UpdatesPushed", MetricUnit.Count, sent);
  metrics.addMetric("ConnectionsGone", MetricUnit.Count, gone);
  metrics.addMetric("ConnectionsSlow", MetricUnit.Count, slow);
  return failed;
});
