import type { IncomingMessage } from "node:http";

/** HTTP APIs take no larger body. */
const maxBodyBytes = 10 * 1_048_576;

export class BodyTooLarge extends Error {}
export class ClientGone extends Error {}

export function readBody(request: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let length = 0;
  let refused = Number(request.headers["content-length"] ?? 0) > maxBodyBytes;
  if (refused) reject(new BodyTooLarge());
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    // What still comes is thrown away, so that the client gets to read the answer; within reason.
    if (length > 4 * maxBodyBytes) request.destroy();
    if (refused) return;
    chunks.push(chunk);
    if (length <= maxBodyBytes) return;
    refused = true;
    chunks.length = 0;
    reject(new BodyTooLarge());
  });
  request.on("end", () => resolve(Buffer.concat(chunks)));
  request.on("close", () => {
    if (!request.complete) reject(new ClientGone());
  });
  request.on("error", () => reject(new ClientGone()));
  return promise;
}
