import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbFollowers } from "../../adapters/dynamodb/follower-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently } from "../../adapters/lambda/idempotency.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { creatorIdSchema, readerIdSchema } from "../../core/contracts/ids.ts";
import { deleteFollower } from "../../core/notifications/put-follower.ts";

const deps = {
  followers: dynamoDbFollowers(documentClient, setting("followersTable")),
  clock: systemClock,
};

const remove = idempotently(async ({ event }) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  const readerId = pathParameter(event, "readerId", readerIdSchema);
  await deleteFollower(deps, { creatorId, readerId });
  return ok({ creatorId, readerId, channels: {} });
});

export const handler = apiHandler((call) => remove(call, null));
