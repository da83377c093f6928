import { documentClient } from "../../adapters/dynamodb/client.ts";
import { jobsFromEnvironment } from "../../adapters/dynamodb/jobs-from-environment.ts";
import { dynamoDbLedgerStore } from "../../adapters/dynamodb/ledger-store.ts";
import { dynamoDbTraces } from "../../adapters/dynamodb/trace-table.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { readTrace } from "../../core/tracing/read-trace.ts";

const deps = {
  traces: dynamoDbTraces(documentClient, setting("tracesTable")),
  jobs: jobsFromEnvironment(),
  ledger: dynamoDbLedgerStore(documentClient, setting("ledgerTable")),
  samplePercent: numberSetting("tracePerMillion") / 10_000,
  retentionDays: numberSetting("traceRetentionDays"),
  clock: systemClock,
};

export const handler = apiHandler(async ({ event }) =>
  ok(await readTrace(deps, event.pathParameters?.traceId ?? "")),
);
