import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { Cloud } from "../../../local/cloud.ts";
import type { ApiClient } from "./api-client.ts";

export interface KeptMail {
  readonly id: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export const consentedAt = "2025-01-01T00:00:00Z";
export const addressOf = (name: string) => `${name}@example.com`;
export const email = (name: string) => ({ address: addressOf(name), consentedAt });
export const inbox = { consentedAt };

/** Followers, articles and what becomes of telling the ones of the others, as the publisher sees it. */
export function notificationClient(cloud: Cloud, api: ApiClient) {
  const token = api.publisher;
  const change = (method: string, path: string, body?: unknown, key: string = randomUUID()) =>
    api.call(method, path, { token, body, headers: { "idempotency-key": key } });
  const followerPath = (creatorId: string, readerId: string) =>
    `/v1/creators/${creatorId}/followers/${readerId}`;
  const kept = async (): Promise<KeptMail[]> => {
    const headers = { accept: "application/json" };
    const response = await fetch(`${cloud.url}/_local/mailbox`, { headers });
    return ((await response.json()) as { mails: KeptMail[] }).mails;
  };
  return {
    change,
    async follow(creatorId: string, readerId: string, channels: object) {
      const answer = await change("PUT", followerPath(creatorId, readerId), { channels });
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      return answer.body;
    },
    unfollow: (creatorId: string, readerId: string) =>
      change("DELETE", followerPath(creatorId, readerId)),
    /** @returns the job's id. */
    async publish(articleId: string, more: object = {}): Promise<string> {
      const url = `https://pages.example.com/${encodeURIComponent(articleId)}`;
      const path = `/v1/articles/${encodeURIComponent(articleId)}/publish`;
      const answer = await change("POST", path, { url, ...more });
      expect([answer.status, answer.body]).toMatchObject([202, { state: "accepted" }]);
      return answer.body.jobId;
    },
    async mailsTo(address: string): Promise<KeptMail[]> {
      return (await kept()).filter(({ to }) => to.includes(address));
    },
    async eml(mail: KeptMail): Promise<string> {
      return await (await fetch(`${cloud.url}/_local/mailbox/${mail.id}.eml`)).text();
    },
    async inboxOf(readerId: string) {
      const answer = await api.call("GET", `/v1/readers/${readerId}/inbox`, { token });
      return answer.body.items;
    },
    /** By reader, how their channels are. */
    async followersOf(creatorId: string) {
      const path = `/v1/creators/${creatorId}/followers?limit=100`;
      const { body } = await api.call("GET", path, { token });
      return body;
    },
  };
}

export type NotificationClient = ReturnType<typeof notificationClient>;
