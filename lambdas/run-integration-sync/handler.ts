import { dynamoDbCallOutcomes } from "../../adapters/dynamodb/call-outcomes.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbIntegrations } from "../../adapters/dynamodb/integration-store.ts";
import {
  breakersFromEnvironment,
  leasesFromEnvironment,
  rateLimiterFromEnvironment,
} from "../../adapters/dynamodb/pacing-from-environment.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { jobHandler } from "../../adapters/lambda/job-handler.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { outboundFromEnvironment } from "../../adapters/outbound/outbound-from-environment.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { deferralFromEnvironment } from "../../adapters/scheduler/deferral-from-environment.ts";
import { secretsFromEnvironment } from "../../adapters/webhooks/standard-webhooks.ts";
import type { SyncDeps } from "../../core/integrations/sync-deps.ts";
import { syncIntegration } from "../../core/integrations/sync-integration.ts";

const client = documentClient;
const clock = systemClock;
const deps: SyncDeps = {
  store: dynamoDbIntegrations(client, setting("registryTable")),
  limiter: rateLimiterFromEnvironment(),
  breakers: breakersFromEnvironment(),
  leases: leasesFromEnvironment(),
  outcomes: dynamoDbCallOutcomes({ client, pacingTable: setting("pacingTable"), clock }),
  outbound: outboundFromEnvironment(),
  secrets: secretsFromEnvironment(),
  clock,
  pacing: systemPacing,
  onUnrecorded: (error) => logger.warn("a call was not recorded", { error: error as Error }),
};

export const handler = jobHandler("integration.sync", (run) => syncIntegration(deps, run), {
  deferral: deferralFromEnvironment(),
});
