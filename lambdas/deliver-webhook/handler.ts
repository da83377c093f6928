import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbRateLimiter } from "../../adapters/dynamodb/rate-limiter.ts";
import { dynamoDbWebhookDeliveries } from "../../adapters/dynamodb/webhook-deliveries.ts";
import { dynamoDbWebhookEndpoints } from "../../adapters/dynamodb/webhook-endpoints.ts";
import { dynamoDbEndpointHealths } from "../../adapters/dynamodb/webhook-healths.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { failing } from "../../adapters/lambda/failures.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { metrics } from "../../adapters/lambda/metrics.ts";
import { traceCall, traces } from "../../adapters/lambda/traces.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { outboundFromEnvironment } from "../../adapters/outbound/outbound-from-environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { deferralFromEnvironment } from "../../adapters/scheduler/deferral-from-environment.ts";
import { secretsFromEnvironment } from "../../adapters/webhooks/standard-webhooks.ts";
import { type DeliverDeps, deliverWebhooks } from "../../core/webhooks/deliver-webhooks.ts";

const client = documentClient;
const clock = systemClock;
const webhooksTable = setting("webhooksTable");
const deps: DeliverDeps = {
  endpoints: dynamoDbWebhookEndpoints(client, webhooksTable),
  deliveries: dynamoDbWebhookDeliveries(client, webhooksTable, clock),
  healths: dynamoDbEndpointHealths(client, webhooksTable),
  limiter: dynamoDbRateLimiter({ client, pacingTable: setting("pacingTable"), clock }),
  secrets: secretsFromEnvironment(),
  outbound: outboundFromEnvironment(),
  bus: busFromEnvironment(),
  deferral: deferralFromEnvironment(),
  clock,
  random: Math.random,
  onAttempted(delivered) {
    const outcome = delivered ? "WebhooksDelivered" : "WebhookAttemptsFailed";
    metrics.addMetric(outcome, MetricUnit.Count, 1);
  },
  onDisabled({ endpointId, disabledReason }) {
    logger.warn("endpoint disabled", { endpointId, disabledReason });
    metrics.addMetric("WebhookEndpointsDisabled", MetricUnit.Count, 1);
  },
  traceparentOf: ({ traceparent }) => traces.current(traceparent),
  onCalled: traceCall,
  onFailed: failing("not delivered"),
};

export const handler = workerHandler(({ deliveries }) => deliverWebhooks(deps, deliveries));
