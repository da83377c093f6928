import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbEarnings } from "../../adapters/dynamodb/earnings-reader.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { readBalance } from "../../core/earnings/read-balance.ts";
import { requireSight } from "../../core/perimeter/caller.ts";

const deps = {
  earnings: dynamoDbEarnings(documentClient, {
    earningsCountersTable: setting("earningsCountersTable"),
    ledgerTable: setting("ledgerTable"),
  }),
  clock: systemClock,
  pacing: systemPacing,
  currency: setting("currency"),
};

export const handler = apiHandler(async ({ event }) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  requireSight(callerOf(event), creatorId);
  return ok(await readBalance(deps, creatorId));
});
