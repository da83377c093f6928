import { z } from "zod";
import type { Api } from "../api/api-client.ts";
import { type Answered, ask } from "../api/ask.ts";
import { type Proof, readProof } from "../proof/read-proof.ts";

const alarmShape = z.object({
  name: z.string(),
  kind: z.string(),
  state: z.string(),
  since: z.string(),
  reason: z.string(),
  description: z.string(),
  runbook: z.string().optional(),
});
export type Alarm = z.infer<typeof alarmShape>;

const alarmsShape = z.object({
  items: z.array(alarmShape),
  counts: z.record(z.string(), z.number()),
});
export type Alarms = z.infer<typeof alarmsShape>;

const queueShape = z.object({
  queue: z.string(),
  waiting: z.number(),
  delayed: z.number(),
  inFlight: z.number(),
  oldestSeconds: z.number().optional(),
  arrivedPerMinute: z.number().optional(),
  donePerMinute: z.number().optional(),
  level: z.string(),
  refused: z.array(z.object({ work: z.string(), since: z.string() })),
  deadLettersOpen: z.number(),
});
export type Queue = z.infer<typeof queueShape>;

const queuesShape = z.object({
  items: z.array(queueShape),
  schedules: z.array(z.object({ name: z.string(), deadLettersOpen: z.number() })),
  missing: z.array(z.string()),
});
export type Queues = z.infer<typeof queuesShape>;

export interface Status {
  readonly alarms: Alarms;
  readonly queues: Queues;
  /** Undefined: it was not asked for. */
  readonly proof: Proof | undefined;
}

export const readAlarms = (api: Api, state: string): Promise<Answered<Alarms>> =>
  ask(api, `/v1/admin/alarms?${new URLSearchParams({ state })}`, alarmsShape);

export const readQueues = (api: Api): Promise<Answered<Queues>> =>
  ask(api, "/v1/admin/queues", queuesShape);

/** One look at everything. */
export async function readStatus(api: Api, { proof }: { readonly proof: boolean }) {
  const [alarms, queues, proven] = await Promise.all([
    readAlarms(api, "alarm"),
    readQueues(api),
    proof ? readProof(api) : undefined,
  ]);
  const raw = { alarms: alarms.raw, queues: queues.raw, ...(proven && { proof: proven.raw }) };
  const value: Status = { alarms: alarms.value, queues: queues.value, proof: proven?.value };
  return { value, raw };
}
