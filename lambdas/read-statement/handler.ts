import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbStatements } from "../../adapters/dynamodb/ledger-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { monthSchema } from "../../core/contracts/fields.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { readStatement } from "../../core/ledger/read-statement.ts";
import { requireSight } from "../../core/perimeter/caller.ts";

const deps = {
  ledger: dynamoDbStatements(documentClient, setting("ledgerTable")),
  clock: systemClock,
  currency: setting("currency"),
};

export const handler = apiHandler(async ({ event }) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  requireSight(callerOf(event), creatorId);
  return ok(await readStatement(deps, creatorId, pathParameter(event, "month", monthSchema)));
});
