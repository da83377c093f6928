import { AwsError, type RestOperation, type RestRequest } from "../aws-json-server.ts";
import type { Connections, LiveConnection } from "./connections.ts";
import { maxMessageBytes } from "./limits.ts";

// The endpoint of a stage ends with its name; an endpoint from the environment may have none.
const path = /^(?:\/(?<stage>[^/@]+))?\/@connections\/(?<id>[^/]+)$/;

/** The `@connections` API: how a function talks to whom it did not hear from. */
export function managementOperations(
  stage: string,
  connections: Connections,
  onSent: (connection: LiveConnection) => void,
): RestOperation[] {
  const find = ({ path: names }: RestRequest): LiveConnection => {
    if (names.stage !== undefined && names.stage !== stage) {
      throw new AwsError("ForbiddenException", "Forbidden", 403);
    }
    const connection = connections.get(names.id ?? "");
    if (connection !== undefined) return connection;
    throw new AwsError("GoneException", "Gone", 410);
  };
  return [
    {
      method: "POST",
      path,
      async run(request) {
        const connection = find(request);
        if (request.body.length > maxMessageBytes) {
          throw new AwsError("PayloadTooLargeException", "Message too long", 413);
        }
        await send(connection, request.body.toString("utf8"));
        onSent(connection);
      },
    },
    {
      method: "GET",
      path,
      run(request) {
        const { connectedAtMs, lastActiveAtMs, sourceIp, userAgent = "" } = find(request);
        return {
          connectedAt: new Date(connectedAtMs).toISOString(),
          identity: { sourceIp, userAgent },
          lastActiveAt: new Date(lastActiveAtMs).toISOString(),
        };
      },
    },
    {
      method: "DELETE",
      path,
      run(request) {
        find(request).socket.close(1000, "Connection Closed Normally");
      },
    },
  ];
}

function send({ socket }: LiveConnection, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.send(text, (error) => {
    if (error) reject(new AwsError("GoneException", "Gone", 410));
    else resolve();
  });
  return promise;
}
