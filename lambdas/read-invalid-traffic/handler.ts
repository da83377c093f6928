import { documentClient } from "../../adapters/dynamodb/client.ts";
import { readTally } from "../../adapters/dynamodb/tally-items.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { presentInvalidTraffic } from "../../core/reviews/read-invalid-traffic.ts";

const earningsCountersTable = setting("earningsCountersTable");

export const handler = apiHandler(async () =>
  ok(presentInvalidTraffic(await readTally(documentClient, earningsCountersTable))),
);
