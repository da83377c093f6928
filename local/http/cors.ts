import { z } from "zod";
import { boolean, number } from "../templates/properties.ts";

const list = z.array(z.string()).default([]);
export const corsShape = z.strictObject({
  AllowCredentials: boolean.default(false),
  AllowHeaders: list,
  AllowMethods: list,
  AllowOrigins: list,
  ExposeHeaders: list,
  MaxAge: number.optional(),
});
export type CorsConfiguration = z.infer<typeof corsShape>;

type Headers = Record<string, string>;

/** Headers for an answer to a page of `origin`; none when it may not read it. */
export function corsHeaders(cors: CorsConfiguration | undefined, origin: string | undefined) {
  const headers: Headers = {};
  if (cors === undefined || origin === undefined) return headers;
  const any = cors.AllowOrigins.includes("*");
  if (!any && !cors.AllowOrigins.some((allowed) => matchesOrigin(allowed, origin))) return headers;
  headers["access-control-allow-origin"] = any ? "*" : origin;
  if (!any) headers.vary = "Origin";
  if (cors.AllowCredentials) headers["access-control-allow-credentials"] = "true";
  if (cors.ExposeHeaders.length > 0) {
    headers["access-control-expose-headers"] = cors.ExposeHeaders.join(",");
  }
  return headers;
}

/** The answer to a preflight, which the gateway gives without asking a function. */
export function preflightHeaders(cors: CorsConfiguration, origin: string | undefined): Headers {
  const headers = corsHeaders(cors, origin);
  if (Object.keys(headers).length === 0) return headers;
  if (cors.AllowMethods.length > 0) {
    headers["access-control-allow-methods"] = cors.AllowMethods.join(",");
  }
  if (cors.AllowHeaders.length > 0) {
    headers["access-control-allow-headers"] = cors.AllowHeaders.join(",");
  }
  if (cors.MaxAge !== undefined) headers["access-control-max-age"] = String(cors.MaxAge);
  return headers;
}

/** `https://*.example.com` stands for every subdomain. */
function matchesOrigin(allowed: string, origin: string): boolean {
  const [scheme, wildcardHost] = allowed.split("://*");
  if (wildcardHost === undefined) return allowed === origin;
  return origin.startsWith(`${scheme}://`) && origin.endsWith(wildcardHost);
}
