import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { requireSight } from "../../core/perimeter/caller.ts";
import { presentCreator, readCreator } from "../../core/registry/creator.ts";

const creators = dynamoDbCreators(documentClient, setting("registryTable"));

export const handler = apiHandler(async ({ event }) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  requireSight(callerOf(event), creatorId);
  return ok(presentCreator(await readCreator(creators, creatorId)));
});
