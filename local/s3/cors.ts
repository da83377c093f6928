import { z } from "zod";
import { number } from "../templates/properties.ts";
import type { FauxqsRequest } from "./fauxqs-s3.ts";

const list = z.array(z.string()).default([]);
export const bucketCorsShape = z.strictObject({
  CorsRules: z.array(
    z.strictObject({
      Id: z.string().optional(),
      AllowedHeaders: list,
      AllowedMethods: z.array(z.enum(["GET", "PUT", "HEAD", "POST", "DELETE"])),
      AllowedOrigins: z.array(z.string()),
      ExposedHeaders: list,
      MaxAge: number.optional(),
    }),
  ),
});
export type BucketCors = z.infer<typeof bucketCorsShape>;

/** Headers that let a page read the answer, or learn that it may ask; none when it may not. */
export function bucketCorsHeaders(
  cors: BucketCors | undefined,
  { method, headers }: FauxqsRequest,
): Record<string, string> {
  const { origin } = headers;
  if (cors === undefined || origin === undefined) return {};
  const preflight = method === "OPTIONS";
  const wanted = preflight ? headers["access-control-request-method"] : method;
  const asked = (headers["access-control-request-headers"] ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter(Boolean);
  // The first rule that fits decides, as in S3.
  const rule = cors.CorsRules.find(
    (candidate) =>
      candidate.AllowedOrigins.some((allowed) => matches(allowed, origin)) &&
      candidate.AllowedMethods.some((allowed) => allowed === wanted) &&
      asked.every((name) =>
        candidate.AllowedHeaders.some((allowed) => matches(allowed.toLowerCase(), name)),
      ),
  );
  if (rule === undefined) return {};
  return {
    "access-control-allow-origin": rule.AllowedOrigins.includes("*") ? "*" : origin,
    "access-control-allow-methods": rule.AllowedMethods.join(", "),
    vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    ...(preflight && asked.length > 0 && { "access-control-allow-headers": asked.join(", ") }),
    ...(preflight && rule.MaxAge !== undefined && { "access-control-max-age": `${rule.MaxAge}` }),
    ...(rule.ExposedHeaders.length > 0 && {
      "access-control-expose-headers": rule.ExposedHeaders.join(", "),
    }),
  };
}

/** A pattern may hold one `*`. */
function matches(pattern: string, text: string): boolean {
  const [start = "", end] = pattern.split("*");
  if (end === undefined) return pattern === text;
  const longEnough = text.length >= start.length + end.length;
  return longEnough && text.startsWith(start) && text.endsWith(end);
}
