import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { Problem } from "../../core/perimeter/problem.ts";

/** RFC 9457. Whatever is not a `Problem` is a 500 that carries its trace id and nothing else. */
export function problemResponse(
  error: unknown,
  traceId: string,
): APIGatewayProxyStructuredResultV2 {
  const { retryAfterSeconds, ...body } = problemBody(error, traceId);
  return {
    statusCode: body.status,
    headers: {
      "content-type": "application/problem+json",
      ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
    },
    body: JSON.stringify(body),
  };
}

export function problemBody(error: unknown, traceId: string) {
  const problem =
    error instanceof Problem
      ? error
      : new Problem(500, "internal", "Something went wrong", `Quote ${traceId} to the operator.`);
  return {
    type: `urn:pennyline:problem:${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    traceId,
    ...problem.extensions,
  };
}
