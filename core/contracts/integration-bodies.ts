import * as z from "zod";
import { limits } from "./limits.ts";

const fields = {
  url: z.string().min(1).max(limits.maxUrlBytes),
  method: z.enum(["POST", "PUT"], { error: "must be POST or PUT" }),
  /** The same with each call; none that says where it goes, who asks or how long it is. */
  headers: z
    .record(z.string().max(100), z.string().max(1_000))
    .refine(
      (headers) => Object.keys(headers).length <= limits.maxIntegrationHeaders,
      `must be at most ${limits.maxIntegrationHeaders} headers`,
    ),
  ratePerSecond: z
    .int("must be a whole number of calls a second")
    .min(1)
    .max(limits.maxIntegrationRate, `must be at most ${limits.maxIntegrationRate} calls a second`),
  timeoutMs: z
    .int("must be whole milliseconds")
    .min(100)
    .max(limits.maxIntegrationTimeoutMs, `must be at most ${limits.maxIntegrationTimeoutMs} ms`),
  /** Failures in a row after which it is left alone for a while. */
  failuresToOpen: z.int().min(1).max(100),
  coolDownMs: z.int().min(1_000).max(3_600_000),
};

/** A service of others that jobs call, as the publisher describes it. */
export const putIntegrationSchema = z.strictObject({
  ...fields,
  method: fields.method.default("POST"),
  headers: fields.headers.default({}),
  failuresToOpen: fields.failuresToOpen.default(5),
  coolDownMs: fields.coolDownMs.default(30_000),
});
/** A PATCH changes what it names; `headers` are replaced whole. */
export const patchIntegrationSchema = z.strictObject(fields).partial();
