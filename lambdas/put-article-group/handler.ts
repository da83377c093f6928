import { dynamoDbArticleGroups } from "../../adapters/dynamodb/article-group-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently } from "../../adapters/lambda/idempotency.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { articleGroupIdSchema } from "../../core/contracts/ids.ts";
import { putArticleGroupSchema } from "../../core/contracts/registry-bodies.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { presentArticleGroup, putArticleGroup } from "../../core/registry/article-group.ts";

const deps = {
  groups: dynamoDbArticleGroups(documentClient, setting("registryTable")),
  clock: systemClock,
};

const put = idempotently(async ({ event }, body) => {
  const groupId = pathParameter(event, "groupId", articleGroupIdSchema);
  const group = await putArticleGroup(deps, groupId, validate(putArticleGroupSchema, body));
  return ok(presentArticleGroup(group, systemClock.nowMs()));
});

export const handler = apiHandler((call) => put(call, jsonBody(call.event)));
