import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbFollowers } from "../../adapters/dynamodb/follower-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently } from "../../adapters/lambda/idempotency.ts";
import { urlCheckFromEnvironment } from "../../adapters/outbound/outbound-from-environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { creatorIdSchema, readerIdSchema } from "../../core/contracts/ids.ts";
import {
  patchFollowerSchema,
  putFollowerSchema,
} from "../../core/contracts/notification-bodies.ts";
import { presentFollower } from "../../core/notifications/follower.ts";
import { patchFollower, putFollower } from "../../core/notifications/put-follower.ts";
import { validate } from "../../core/perimeter/validate.ts";

const deps = {
  followers: dynamoDbFollowers(documentClient, setting("followersTable")),
  clock: systemClock,
  checkUrl: urlCheckFromEnvironment(),
};

const put = idempotently(async ({ event }, body) => {
  const ids = {
    creatorId: pathParameter(event, "creatorId", creatorIdSchema),
    readerId: pathParameter(event, "readerId", readerIdSchema),
  };
  const follower = event.routeKey.startsWith("PATCH ")
    ? await patchFollower(deps, ids, validate(patchFollowerSchema, body))
    : await putFollower(deps, ids, validate(putFollowerSchema, body));
  // The answer is kept with its Idempotency-Key: it holds no address.
  return ok(presentFollower(follower));
});

export const handler = apiHandler((call) => put(call, jsonBody(call.event)));
