import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { Answer, ApiClient } from "./api-client.ts";

/** Asks for jobs and follows them, as one caller. */
export function jobClient(api: ApiClient, token: string = api.publisher) {
  const post = (body: unknown, key: string = randomUUID()): Promise<Answer> =>
    api.call("POST", "/v1/jobs", { token, body, headers: { "idempotency-key": key } });
  const get = (path: string, headers = {}): Promise<Answer> =>
    api.call("GET", path, { token, headers });
  return {
    post,
    get,
    /** @returns its id, once it is accepted. */
    async request(type: string, payload: unknown, more = {}): Promise<string> {
      const answer = await post({ type, payload, ...more });
      expect([answer.status, answer.body]).toMatchObject([202, { state: "accepted", type }]);
      return answer.body.jobId;
    },
    read: (jobId: string) => get(`/v1/jobs/${jobId}`),
    cancel: (jobId: string) => api.call("DELETE", `/v1/jobs/${jobId}`, { token }),
    /** Long polls until it is finished. */
    async finished(jobId: string): Promise<Answer["body"]> {
      for (let after = 0; ; ) {
        const { status, body, headers } = await get(`/v1/jobs/${jobId}?wait=20&after=${after}`);
        expect(status).toBe(200);
        // Sooner than it is told to: tests do not wait for seconds.
        if (headers.has("pennyline-wait-refused")) await delay(100);
        if (!["accepted", "running"].includes(body.state)) return body;
        after = body.version;
      }
    },
  };
}

export type JobClient = ReturnType<typeof jobClient>;
