import { dynamoDbAppeals } from "../../adapters/dynamodb/appeal-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { pageQuerySchema } from "../../core/contracts/queries.ts";
import { audienceOf, requireSight } from "../../core/perimeter/caller.ts";
import { readAppeals } from "../../core/reviews/appeal.ts";

const appeals = dynamoDbAppeals(documentClient, setting("registryTable"));

export const handler = apiHandler(async ({ event }) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  const caller = callerOf(event);
  requireSight(caller, creatorId, ["publisher", "admin"]);
  const page = query(event, pageQuerySchema);
  return ok(await readAppeals(appeals, creatorId, page, audienceOf(caller)));
});
