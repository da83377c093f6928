import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { Answer, ApiClient } from "./api-client.ts";

export interface SeenAlarm {
  readonly name: string;
  readonly reason: string;
  readonly runbook: string;
}

/** All that an operator has: what the API tells an admin, and takes from one. */
export function operator(api: ApiClient) {
  async function get(path: string): Promise<Answer["body"]> {
    const { status, body } = await api.call("GET", `/v1/admin/${path}`, { token: api.admin });
    expect([path, status]).toEqual([path, 200]);
    return body;
  }
  const send = (method: "POST" | "PUT", path: string, body: object): Promise<Answer> => {
    const headers = { "idempotency-key": randomUUID() };
    return api.call(method, `/v1/admin/${path}`, { token: api.admin, body, headers });
  };
  return {
    get,
    send,
    async queue(name: string): Promise<Answer["body"]> {
      const { items } = await get("queues");
      return items.find(({ queue }: { queue: string }) => queue === name);
    },
    /** What rings, by name. */
    async ringing(): Promise<readonly string[]> {
      return (await get("alarms")).items.map(({ name }: SeenAlarm) => name);
    },
    async alarm(name: string): Promise<SeenAlarm | undefined> {
      return (await get("alarms")).items.find((one: SeenAlarm) => one.name === name);
    },
    async openLetters(queue: string): Promise<readonly Answer["body"][]> {
      return (await get(`dead-letters?queue=${queue}&limit=100`)).items;
    },
    /** The steps of a trace; undefined while nobody has told of it. */
    async trace(id: string): Promise<Answer["body"] | undefined> {
      const { status, body } = await api.call("GET", `/v1/admin/traces/${id}`, {
        token: api.admin,
      });
      return status === 404 ? undefined : body;
    },
    /** @returns where it is followed. */
    async redrive(selection: object): Promise<{ readonly path: string; readonly answer: Answer }> {
      const answer = await send("POST", "dead-letters/redrives", { ...selection, note: "mended" });
      expect([answer.status, answer.body.detail]).toEqual([202, undefined]);
      return { answer, path: answer.body.links.self.slice("/v1/admin/".length) };
    },
  };
}
