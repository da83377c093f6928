import { dynamoDbArticleGroups } from "../../adapters/dynamodb/article-group-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { presentArticleGroup } from "../../core/registry/article-group.ts";

const groups = dynamoDbArticleGroups(documentClient, setting("registryTable"));

/** All of them: there are at most a hundred. */
export const handler = apiHandler(async () => {
  const nowMs = systemClock.nowMs();
  return ok({ items: (await groups.list()).map((group) => presentArticleGroup(group, nowMs)) });
});
