import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import type { Sockets } from "../../core/connections/push-updates.ts";

/** Connections of the WebSocket API whose stage is at that endpoint. */
export function apiGatewaySockets(endpoint: string): Sockets {
  const client = new ApiGatewayManagementApiClient({
    endpoint,
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: 1_000,
      requestTimeout: 2_000,
      throwOnRequestTimeout: true,
      // Those that do not answer must not keep the others waiting for a socket.
      httpAgent: { maxSockets: 500 },
      httpsAgent: { maxSockets: 500 },
    },
  });
  return {
    async send(ConnectionId, text) {
      try {
        await client.send(new PostToConnectionCommand({ ConnectionId, Data: text }));
        return "sent";
      } catch (error) {
        if (error instanceof GoneException) return "gone";
        if (error instanceof Error && error.name === "TimeoutError") return "slow";
        throw error;
      }
    },
    async end(ConnectionId) {
      try {
        await client.send(new DeleteConnectionCommand({ ConnectionId }));
      } catch (error) {
        if (!(error instanceof GoneException)) throw error;
      }
    },
  };
}
