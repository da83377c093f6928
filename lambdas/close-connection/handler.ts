import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbConnections } from "../../adapters/dynamodb/connection-store.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { socketHandler } from "../../adapters/lambda/socket-handler.ts";

const connections = dynamoDbConnections(documentClient, setting("connectionsTable"));

export const handler = socketHandler(async ({ connection }) => {
  await connections.close(connection.connectionId);
  return undefined;
});
