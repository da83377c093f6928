import type { IncomingMessage } from "node:http";

/** The parts of fauxqs' bucket store that the embedded cloud uses. */
export interface S3Store {
  createBucket(name: string): void;
  readonly buckets: ReadonlyMap<string, ReadonlyMap<string, S3Object>>;
  readonly multipartUploads: ReadonlyMap<string, { readonly bucket: string }>;
  putObject(bucket: string, key: string, ...rest: unknown[]): S3Object;
  completeMultipartUpload(uploadId: string, ...rest: unknown[]): S3Object;
  deleteObject(bucket: string, key: string): void;
}

export interface S3Object {
  readonly key: string;
  readonly etag: string;
  readonly contentLength: number;
}

/** Its web server, Fastify, as far as it is used here. */
export interface FauxqsApp {
  addHook(
    name: "onRequest",
    hook: (request: FauxqsRequest, reply: FauxqsReply, done: () => void) => void,
  ): void;
  addHook(
    name: "onSend",
    hook: (request: FauxqsRequest, reply: FauxqsReply, payload: unknown, done: () => void) => void,
  ): void;
  removeContentTypeParser(type: string): void;
  addContentTypeParser(
    type: string,
    options: { readonly parseAs: "buffer"; readonly bodyLimit: number },
    parse: (request: unknown, body: Buffer, done: (error: null, body: Buffer) => void) => void,
  ): void;
}

export interface FauxqsRequest {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
}

export interface FauxqsReply {
  readonly statusCode: number;
  status(code: number): FauxqsReply;
  header(name: string, value: string): FauxqsReply;
  send(body?: string): unknown;
}

/** AWS takes 5 GB in one request; fauxqs holds a body in memory, and itself takes 11 MB only. */
const maxBodyBytes = 256 * 1_048_576;

/** Lets larger objects in than fauxqs does by itself, and asks the guard first. */
export function prepareForS3(
  app: FauxqsApp,
  guard: (request: FauxqsRequest, reply: FauxqsReply) => boolean,
): void {
  app.removeContentTypeParser("*");
  const options = { parseAs: "buffer", bodyLimit: maxBodyBytes } as const;
  app.addContentTypeParser("*", options, (_request, body, done) => done(null, body));
  app.addHook("onRequest", (request, reply, done) => {
    if (isForQueues(request) || !guard(request, reply)) done();
  });
  app.addHook("onSend", (request, reply, _payload, done) => {
    overrideHeaders(request, reply);
    done();
  });
}

/** What a (signed) request for an object wants to read in the answer, whatever was stored. */
const overrides = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
];

function overrideHeaders({ method, url }: FauxqsRequest, reply: FauxqsReply): void {
  if (method !== "GET" || !url.includes("response-") || reply.statusCode >= 300) return;
  const query = new URLSearchParams(url.split("?", 2)[1]);
  for (const name of overrides) {
    const value = query.get(`response-${name}`);
    if (value !== null) reply.header(name, value);
  }
}

/** SQS and S3 share a port; SQS is called with its own content type at the root. */
function isForQueues({ method, url, headers }: FauxqsRequest): boolean {
  if (url === "/health" || url.startsWith("/_fauxqs/")) return true;
  const type = headers["content-type"] ?? "";
  return method === "POST" && /x-amz-json-1\.0|x-www-form-urlencoded/.test(type);
}
