import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbConnections } from "../../adapters/dynamodb/connection-store.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { socketHandler } from "../../adapters/lambda/socket-handler.ts";
import { problems } from "../../core/perimeter/problem.ts";

const connections = dynamoDbConnections(documentClient, setting("connectionsTable"));

export const handler = socketHandler(async ({ connection, ticketId }) => {
  if ((await connections.open(connection, ticketId)) === "opened") return undefined;
  throw problems.forbidden("This ticket was used; ask for another one.");
});
