import { z } from "zod";
import { type Api, ApiFailure, describe } from "../api/api-client.ts";

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
  missing: z.array(z.string()),
  truncated: z.boolean().optional(),
});
export type Trace = z.infer<typeof traceShape>;

/**
 * Asks for a trace.
 * @returns also the answer as it came.
 * @throws ApiFailure when there is none, which says why, or none that this program understands.
 */
export async function readTrace(api: Api, id: string): Promise<{ trace: Trace; raw: unknown }> {
  const path = `/v1/admin/traces/${encodeURIComponent(id)}`;
  const answer = await api({ as: "admin", method: "GET", path });
  if (answer.status !== 200) {
    throw new ApiFailure(`GET ${path}: ${describe(answer)}`, answer.status);
  }
  const trace = traceShape.safeParse(answer.body);
  if (trace.success) return { trace: trace.data, raw: answer.body };
  const [issue] = trace.error.issues;
  throw new ApiFailure(
    `GET ${path}: the answer is no trace that this version knows ` +
      `(${issue?.path.join(".") || "body"}: ${issue?.message}); update the one that is older`,
    answer.status,
  );
}
