import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbLedger } from "../../adapters/dynamodb/ledger-items.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { ledgerQuerySchema } from "../../core/contracts/bodies.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { readLedger } from "../../core/ledger/read-ledger.ts";
import { requireSight } from "../../core/perimeter/caller.ts";

const ledger = dynamoDbLedger(documentClient, setting("ledgerTable"));

export const handler = apiHandler(async ({ event }) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  requireSight(callerOf(event), creatorId);
  return ok(await readLedger(ledger, creatorId, query(event, ledgerQuerySchema)));
});
