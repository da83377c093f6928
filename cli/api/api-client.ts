import type { Role } from "../../core/contracts/routes.ts";
import { backoffMs, type Pacing } from "../../core/values/retry.ts";
import { Unanswered } from "../program/unanswered.ts";

export interface ApiAnswer {
  readonly status: number;
  /** Parsed JSON; undefined when the body is something else. */
  readonly body: unknown;
}

export interface ApiRequest {
  readonly as: Role;
  readonly method: "GET" | "PUT" | "POST";
  /** With a leading slash, its parts percent-encoded. */
  readonly path: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

/** Sends a request until it has an answer that repeating it would not change. */
export type Api = (request: ApiRequest) => Promise<ApiAnswer>;

export interface ApiSettings {
  readonly baseUrl: string;
  readonly tokenFor: (role: Role) => Promise<string>;
  readonly pacing: Pacing;
  readonly fetch?: typeof fetch;
  /** Default: enough to wait out minutes of overload. */
  readonly maxAttempts?: number | undefined;
  /** Told before each wait. */
  readonly onRetry?: (reason: string, delayMs: number) => void;
}

/** The API cannot be used, or did not answer usefully however often it was asked. */
export class ApiFailure extends Unanswered {
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

const usualAttempts = 10;
const requestTimeoutMs = 35_000;
/** What too much waiting asks for at most: never come back sooner. */
const maxRetryAfterMs = 120_000;
const backoff = { baseMs: 250, capMs: 15_000 };
/** Overload, or a fault that passes. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Of conflicts only these: another request is at work. */
const passingConflicts = ["idempotency-key-in-progress", "contended"];

/**
 * Every request made here may be repeated: engagements carry their own key, other changes an
 * Idempotency-Key, and the rest only reads.
 */
export function apiClient(settings: ApiSettings): Api {
  const { baseUrl, pacing, maxAttempts = usualAttempts } = settings;
  return async (request) => {
    const name = `${request.method} ${baseUrl}${request.path}`;
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await tryOnce(settings, request);
      if ("answer" in outcome && !passes(outcome.answer)) {
        return refuseStrangers(name, outcome.answer);
      }
      const status = "answer" in outcome ? outcome.answer.status : undefined;
      const reason = "answer" in outcome ? describe(outcome.answer) : describeError(outcome.error);
      if (attempt + 1 >= maxAttempts) {
        const cause = "error" in outcome ? outcome.error : undefined;
        throw new ApiFailure(`${name}: ${reason}, ${maxAttempts} times`, status, { cause });
      }
      const asked = "answer" in outcome ? outcome.retryAfterMs : undefined;
      // Never sooner than asked, and spread out, so that requests do not all return at once.
      const delayMs =
        Math.min(asked ?? 0, maxRetryAfterMs) + backoffMs(attempt, backoff, pacing.random);
      settings.onRetry?.(reason, delayMs);
      await pacing.sleep(delayMs);
    }
  };
}

function passes({ status, body }: ApiAnswer): boolean {
  if (status !== 409) return passing.has(status);
  const { type } = (body ?? {}) as { type?: unknown };
  return passingConflicts.some((conflict) => type === `urn:pennyline:problem:${conflict}`);
}

type Outcome = { answer: ApiAnswer; retryAfterMs: number | undefined } | { error: unknown };

async function tryOnce(settings: ApiSettings, request: ApiRequest): Promise<Outcome> {
  const { method, path, body, idempotencyKey } = request;
  const authorization = `Bearer ${await settings.tokenFor(request.as)}`;
  try {
    const response = await (settings.fetch ?? fetch)(`${settings.baseUrl}${path}`, {
      method,
      headers: {
        authorization,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A token must not follow a redirect to another host.
      redirect: "manual",
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const text = await response.text();
    const retryAfterMs = readRetryAfter(response.headers.get("retry-after"), Date.now());
    return { answer: { status: response.status, body: parse(text) }, retryAfterMs };
  } catch (error) {
    return { error };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Seconds, or an HTTP date. */
export function readRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function refuseStrangers(name: string, answer: ApiAnswer): ApiAnswer {
  if (answer.status !== 401 && answer.status !== 403) return answer;
  const why =
    answer.status === 401
      ? "the token is not accepted here: give one that is (--token), or the --data-dir of the " +
        "copy that runs there"
      : "the token lacks the scope for it: give one that has it (--token)";
  throw new ApiFailure(`${name}: ${answer.status}, ${why}`, answer.status);
}

/** `503, what the problem document says`. */
export function describe({ status, body }: ApiAnswer): string {
  const { detail, title } = (body ?? {}) as { detail?: unknown; title?: unknown };
  const text = [detail, title].find((part) => typeof part === "string" && part !== "");
  return text === undefined ? String(status) : `${status}, ${text}`;
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch hides the reason (ECONNREFUSED …) in the cause.
  const { cause } = error;
  if (cause instanceof AggregateError) return describeError(cause.errors[0]);
  return cause instanceof Error ? cause.message : error.message;
}
