import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbJobs } from "../../adapters/dynamodb/job-store.ts";
import { dynamoDbWebhookDeliveries } from "../../adapters/dynamodb/webhook-deliveries.ts";
import { dynamoDbWebhookEndpoints } from "../../adapters/dynamodb/webhook-endpoints.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { failing } from "../../adapters/lambda/failures.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { sha256Hex, systemClock } from "../../adapters/runtime.ts";
import { type CreateDeps, createDeliveries } from "../../core/webhooks/create-deliveries.ts";

const webhooksTable = setting("webhooksTable");
const deps: CreateDeps = {
  endpoints: dynamoDbWebhookEndpoints(documentClient, webhooksTable),
  deliveries: dynamoDbWebhookDeliveries(documentClient, webhooksTable, systemClock),
  jobs: dynamoDbJobs(documentClient, setting("jobsTable"), systemClock),
  bus: busFromEnvironment(),
  clock: systemClock,
  sha256: sha256Hex,
  onFailed: failing("no deliveries created"),
};

export const handler = workerHandler(({ deliveries, deadlineMs }) =>
  createDeliveries(deps, deliveries, deadlineMs),
);
