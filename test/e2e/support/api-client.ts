import { randomUUID } from "node:crypto";
import type { Cloud } from "../../../local/cloud.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests state the shape they expect
  readonly body: any;
}

export interface Call {
  readonly token?: string | undefined;
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** HTTP to a running copy, as a publisher, a creator or an admin. */
export interface ApiClient {
  readonly publisher: string;
  readonly admin: string;
  call(method: string, path: string, options?: Call): Promise<Answer>;
  putArticle(articleId: string, creatorId: string): Promise<void>;
  /** Posts views of one article by many readers, as the publisher; answers how many were accepted. */
  postViews(articleId: string, readers: readonly string[]): Promise<number>;
  viewToken(articleId: string, readerId: string): Promise<string>;
  balance(creatorId: string): Promise<Record<BalanceField, string>>;
  proof(): Promise<Answer["body"]>;
}

type BalanceField = "settledMicros" | "pendingMicros" | "heldMicros" | "inPayoutMicros" | "asOf";

const maxBatch = 500;
/** The tests' own is known as a bot's, whose engagements are void. */
const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

export async function apiClient(cloud: Pick<Cloud, "url" | "mintToken">): Promise<ApiClient> {
  const publisher = await cloud.mintToken({ role: "publisher", id: "publisher" });
  const admin = await cloud.mintToken({ role: "admin", id: "admin" });
  const client: ApiClient = {
    publisher,
    admin,
    async call(method, path, { token, body, raw, headers } = {}) {
      const response = await fetch(cloud.url + path, {
        method,
        headers: {
          "user-agent": browser,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(raw === undefined && body === undefined ? {} : { body: raw ?? JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: parse(text) };
    },
    async putArticle(articleId, creatorId) {
      const path = `/v1/articles/${encodeURIComponent(articleId)}`;
      const headers = { "idempotency-key": randomUUID() };
      const body = { title: articleId, creatorId };
      must(200, await client.call("PUT", path, { token: publisher, body, headers }));
    },
    async postViews(articleId, readers) {
      let accepted = 0;
      for (let at = 0; at < readers.length; at += maxBatch) {
        const engagements = readers
          .slice(at, at + maxBatch)
          .map((readerId) => ({ articleId, readerId, kind: "view" }));
        const body = { engagements };
        const path = "/v1/engagements/batch";
        const answer = must(202, await client.call("POST", path, { token: publisher, body }));
        accepted += answer.body.accepted;
      }
      return accepted;
    },
    async viewToken(articleId, readerId) {
      const body = { articleId, readerId };
      const answer = await client.call("POST", "/v1/view-tokens", { token: publisher, body });
      return must(200, answer).body.token;
    },
    async balance(creatorId) {
      const path = `/v1/creators/${encodeURIComponent(creatorId)}/balance`;
      return must(200, await client.call("GET", path, { token: publisher })).body;
    },
    async proof() {
      return must(200, await client.call("GET", "/v1/admin/proof", { token: admin })).body;
    },
  };
  return client;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function must(status: number, answer: Answer): Answer {
  if (answer.status === status) return answer;
  throw new Error(`expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
}

export function readerIds(count: number, prefix = "reader"): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}
