import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbEarnings } from "../../adapters/dynamodb/earnings-reader.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { earningsQuerySchema } from "../../core/contracts/queries.ts";
import { readEarnings } from "../../core/earnings/read-earnings.ts";
import { requireSight } from "../../core/perimeter/caller.ts";

const earningsCountersTable = setting("earningsCountersTable");
const deps = {
  earnings: dynamoDbEarnings(documentClient, { earningsCountersTable }),
  clock: systemClock,
};

export const handler = apiHandler(async ({ event }) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  requireSight(callerOf(event), creatorId);
  return ok(await readEarnings(deps, creatorId, query(event, earningsQuerySchema)));
});
