import { z } from "zod";
import type { Api } from "../api/api-client.ts";
import { type Answered, ask } from "../api/ask.ts";

const stepShape = z.object({
  depth: z.number(),
  offsetMs: z.number(),
  durationMs: z.number(),
  service: z.string(),
  step: z.string(),
  outcome: z.string(),
  error: z.string().optional(),
  attempt: z.number().optional(),
  waitedMs: z.number().optional(),
  againInMs: z.number().optional(),
  put: z.record(z.string(), z.number()).optional(),
  later: z.record(z.string(), z.string()).optional(),
  result: z.string().optional(),
  ids: z.record(z.string(), z.string()).optional(),
  entries: z.array(z.string()).optional(),
});
export type Step = z.infer<typeof stepShape>;

const traceShape = z.object({
  traceId: z.string(),
  startedAt: z.string(),
  tookMs: z.number(),
  outcome: z.enum(["ok", "failed"]),
  steps: z.array(stepShape),
  jobs: z.array(
    z.object({
      jobId: z.string(),
      type: z.string(),
      state: z.string(),
      attempts: z.number(),
      waitedMs: z.number().optional(),
      tookMs: z.number().optional(),
    }),
  ),
  /** What comes next, if the trace goes on. */
  waiting: z
    .array(
      z.object({
        what: z.string(),
        attempt: z.number().optional(),
        nextAt: z.string().optional(),
      }),
    )
    .default([]),
  missing: z.array(z.string()),
  truncated: z.boolean().optional(),
});
export type Trace = z.infer<typeof traceShape>;

/** Asks for a trace. @throws ApiFailure, which says why when there is none. */
export const readTrace = (api: Api, id: string): Promise<Answered<Trace>> =>
  ask(api, `/v1/admin/traces/${encodeURIComponent(id)}`, traceShape);
