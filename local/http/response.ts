export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer | string;
}

/** The answers that the gateway gives by itself. */
export function gatewayAnswer(
  status: number,
  message: string,
  headers: Record<string, string> = {},
): HttpAnswer {
  const body = JSON.stringify({ message });
  return { status, headers: { "content-type": "application/json", ...headers }, body };
}

export const internalServerError = gatewayAnswer(500, "Internal Server Error");
/** What the access log says, as nginx does, of a request whose client has left; nobody reads it. */
export const clientClosedRequest = gatewayAnswer(499, "Client Closed Request");
export const serviceUnavailable = gatewayAnswer(503, "Service Unavailable");

// What Node sets for every answer, and what no integration may replace.
const refusedHeaders = new Set(["connection", "content-length", "transfer-encoding", "upgrade"]);

/**
 * Turns what a function returned (JSON text) into an answer, by the rules of payload format 2.0:
 * without a `statusCode` the whole value is the body; a malformed one is the gateway's 500.
 */
export function answerFromPayload(payload: string): HttpAnswer {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return internalServerError;
  }
  if (typeof value !== "object" || value === null || !("statusCode" in value)) {
    const body = typeof value === "string" ? value : payload;
    return { status: 200, headers: { "content-type": "application/json" }, body };
  }
  return structuredAnswer(value as StructuredResponse) ?? internalServerError;
}

interface StructuredResponse {
  readonly statusCode: unknown;
  readonly headers?: unknown;
  readonly cookies?: unknown;
  readonly body?: unknown;
  readonly isBase64Encoded?: unknown;
}

function structuredAnswer(response: StructuredResponse): HttpAnswer | undefined {
  const status = Number(response.statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) return undefined;
  const { body = "", headers: given = {}, cookies } = response;
  if (body !== null && typeof body !== "string") return undefined;
  if (typeof given !== "object" || Array.isArray(given)) return undefined;
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(given ?? {})) {
    if (typeof value === "object") return undefined;
    const key = name.toLowerCase();
    if (!refusedHeaders.has(key)) headers[key] = String(value);
  }
  if (Array.isArray(cookies)) headers["set-cookie"] = cookies.map(String);
  headers["content-type"] ??= "text/plain;charset=utf-8";
  const text = body ?? "";
  return {
    status,
    headers,
    body: response.isBase64Encoded === true ? Buffer.from(text, "base64") : text,
  };
}
