import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbRegistryLists } from "../../adapters/dynamodb/registry-lists.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { creatorsQuerySchema } from "../../core/contracts/queries.ts";
import { requireSight } from "../../core/perimeter/caller.ts";
import { presentCreator, readCreator } from "../../core/registry/creator.ts";
import { listCreators } from "../../core/registry/list-creators.ts";

const registryTable = setting("registryTable");
const creators = dynamoDbCreators(documentClient, registryTable);
const lists = dynamoDbRegistryLists(documentClient, registryTable);

export const handler = apiHandler(async ({ event }) => {
  if (event.pathParameters?.creatorId === undefined) {
    return ok(await listCreators(lists, query(event, creatorsQuerySchema)));
  }
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  requireSight(callerOf(event), creatorId);
  return ok(presentCreator(await readCreator(creators, creatorId)));
});
