import { documentClient } from "../../adapters/dynamodb/client.ts";
import { creatorsDue } from "../../adapters/dynamodb/due-counters.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { scheduledHandler } from "../../adapters/lambda/scheduled.ts";
import { settleEarnings } from "../../core/earnings/settle-earnings.ts";

const earningsCountersTable = setting("earningsCountersTable");
const deps = {
  table: {
    creatorsDue: (bucket: number) => creatorsDue(documentClient, earningsCountersTable, bucket),
  },
  bus: busFromEnvironment(),
};

export const handler = scheduledHandler(async ({ trace }) => {
  const creators = await settleEarnings(deps, trace.traceparent);
  logger.info("settlement is due", { creators });
});
