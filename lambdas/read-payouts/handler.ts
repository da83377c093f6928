import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbPayoutList } from "../../adapters/dynamodb/payout-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { pageQuerySchema, payoutsQuerySchema } from "../../core/contracts/queries.ts";
import { listPayouts } from "../../core/payouts/list-payouts.ts";
import { readPayouts } from "../../core/payouts/read-payouts.ts";
import { audienceOf, requireSight } from "../../core/perimeter/caller.ts";

const payouts = dynamoDbPayoutList(documentClient, setting("ledgerTable"));

export const handler = apiHandler(async ({ event }) => {
  const caller = callerOf(event);
  if (event.pathParameters?.creatorId === undefined) {
    return ok(await listPayouts(payouts, caller, query(event, payoutsQuerySchema)));
  }
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  requireSight(caller, creatorId);
  const page = query(event, pageQuerySchema);
  return ok(await readPayouts(payouts, creatorId, page, audienceOf(caller)));
});
