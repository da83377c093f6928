import { describe, expect, test } from "vitest";
import { bucketCorsHeaders, bucketCorsShape } from "../../../local/s3/cors.ts";

const cors = bucketCorsShape.parse({
  CorsRules: [
    { AllowedMethods: ["GET"], AllowedOrigins: ["*"] },
    {
      AllowedMethods: ["PUT"],
      AllowedOrigins: ["https://*.example"],
      AllowedHeaders: ["x-amz-*"],
    },
  ],
});
const allowed = (origin: string | undefined, method: string, asked?: string) => {
  const headers = {
    ...(origin && { origin }),
    "access-control-request-method": method,
    ...(asked && { "access-control-request-headers": asked }),
  };
  const answer = bucketCorsHeaders(cors, { method: "OPTIONS", url: "/b/k", headers });
  return answer["access-control-allow-origin"];
};

describe("CORS of a bucket", () => {
  test.each([
    ["any origin that reads", "https://other", "GET", undefined, "*"],
    ["a subdomain that writes", "https://a.example", "PUT", "X-Amz-Date", "https://a.example"],
    ["a stranger that writes", "https://other", "PUT", undefined, undefined],
    ["a header that no rule has", "https://a.example", "PUT", "x-amz-date, x-other", undefined],
    ["a method that no rule has", "https://a.example", "DELETE", undefined, undefined],
    ["no page at all", undefined, "GET", undefined, undefined],
  ])("%s", (_name, origin, method, asked, expected) => {
    expect(allowed(origin, method, asked)).toBe(expected);
  });
});
