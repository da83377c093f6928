import { documentClient } from "../../adapters/dynamodb/client.ts";
import { creatorsDue } from "../../adapters/dynamodb/due-counters.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { randomHex } from "../../adapters/runtime.ts";
import { settleEarnings } from "../../core/earnings/settle-earnings.ts";
import { continueTrace } from "../../core/values/trace-context.ts";

const earningsCountersTable = setting("earningsCountersTable");
const deps = {
  table: {
    creatorsDue: (bucket: number) => creatorsDue(documentClient, earningsCountersTable, bucket),
  },
  bus: busFromEnvironment(),
};

export const handler = async (): Promise<void> => {
  const { traceId, traceparent } = continueTrace(undefined, randomHex);
  logger.resetKeys();
  logger.appendKeys({ trace_id: traceId });
  const creators = await settleEarnings(deps, traceparent);
  logger.info("settlement is due", { creators });
};
