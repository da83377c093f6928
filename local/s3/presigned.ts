import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { credentials } from "../surroundings.ts";
import type { FauxqsRequest } from "./fauxqs-s3.ts";

/** An S3 error code and its message. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

const denied: Refusal = { code: "AccessDenied", message: "Access Denied" };
const mismatch: Refusal = {
  code: "SignatureDoesNotMatch",
  message:
    "The request signature we calculated does not match the signature you provided. " +
    "Check your key and signing method.",
};

/**
 * Why S3 would turn a request away: nothing here is public, and a URL opens only what was signed,
 * for as long as it was signed for. A signature in the headers is an SDK's own and is taken at its
 * word, since permissions are not evaluated on one machine.
 */
export function refusalOf(request: FauxqsRequest, nowMs: number): Refusal | undefined {
  const [path = "", rawQuery = ""] = request.url.split("?", 2);
  const query = new URLSearchParams(rawQuery);
  const signature = query.get("X-Amz-Signature");
  if (signature === null) {
    return request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 ") ? undefined : denied;
  }
  const [keyId, date = "", region = "", service = ""] = (query.get("X-Amz-Credential") ?? "").split(
    "/",
  );
  if (keyId !== credentials.accessKeyId) {
    const message = "The AWS Access Key Id you provided does not exist in our records.";
    return { code: "InvalidAccessKeyId", message };
  }
  const signedAt = query.get("X-Amz-Date") ?? "";
  const lifeMs = Number(query.get("X-Amz-Expires")) * 1000;
  if (!(parseTime(signedAt) + lifeMs > nowMs)) {
    return { code: "AccessDenied", message: "Request has expired" };
  }
  const scope = `${date}/${region}/${service}/aws4_request`;
  const canonical = sha256(canonicalRequest(request, path, query));
  const text = `AWS4-HMAC-SHA256\n${signedAt}\n${scope}\n${canonical}`;
  const key = [date, region, service, "aws4_request"].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${credentials.secretAccessKey}`,
  );
  const expected = hmac(key, text);
  const given = Buffer.from(signature, "hex");
  const matches = given.length === expected.length && timingSafeEqual(given, expected);
  return matches ? undefined : mismatch;
}

function canonicalRequest(request: FauxqsRequest, path: string, query: URLSearchParams): string {
  const parameters = [...query]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const signedHeaders = query.get("X-Amz-SignedHeaders") ?? "";
  const headers = signedHeaders
    .split(";")
    .map((name) => `${name}:${String(request.headers[name] ?? "").trim()}\n`);
  const payload = query.get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD";
  return [
    request.method,
    path,
    parameters.join("&"),
    headers.join(""),
    signedHeaders,
    payload,
  ].join("\n");
}

/** 20261122T090156Z, in milliseconds. */
function parseTime(text: string): number {
  const [, date, hours, minutes, seconds] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const day = date?.replace(/^(....)(..)(..)$/, "$1-$2-$3");
  return Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`);
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
