import { balancesFromEnvironment } from "../../adapters/dynamodb/balances-from-environment.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbConnections } from "../../adapters/dynamodb/connection-store.ts";
import { dynamoDbJobs } from "../../adapters/dynamodb/job-store.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { limitedSocketHandler } from "../../adapters/lambda/socket-handler.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { type AnswerDeps, answerMessage } from "../../core/connections/answer-message.ts";

const deps: AnswerDeps = {
  connections: dynamoDbConnections(documentClient, setting("connectionsTable")),
  jobs: dynamoDbJobs(documentClient, setting("jobsTable"), systemClock),
  readBalance: balancesFromEnvironment(),
};

export const handler = limitedSocketHandler(({ connection, caller, body }) =>
  answerMessage(deps, { ...connection, caller }, body),
);
