import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { fanoutFromEnvironment } from "../../adapters/dynamodb/fanout-from-environment.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { jobHandler } from "../../adapters/lambda/job-handler.ts";
import { runFanout } from "../../core/notifications/run-fanout.ts";

const registryTable = setting("registryTable");
const deps = {
  ...fanoutFromEnvironment(),
  articles: dynamoDbArticles(documentClient, registryTable),
  creators: dynamoDbCreators(documentClient, registryTable),
};

export const handler = jobHandler("notification.fanout", (run) => runFanout(deps, run));
