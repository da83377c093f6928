import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbFollowers } from "../../adapters/dynamodb/follower-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { pageQuerySchema } from "../../core/contracts/queries.ts";
import { countFollowers, listFollowers } from "../../core/notifications/read-followers.ts";
import { requireSight } from "../../core/perimeter/caller.ts";

const followers = dynamoDbFollowers(documentClient, setting("followersTable"));

export const handler = apiHandler(async ({ event }) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  const caller = callerOf(event);
  requireSight(caller, creatorId);
  const page = query(event, pageQuerySchema);
  // Who reads is between readers and the publisher.
  if (!caller.roles.includes("publisher")) return ok(await countFollowers(followers, creatorId));
  return ok(await listFollowers(followers, creatorId, page));
});
