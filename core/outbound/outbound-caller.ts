/**
 * The one way out to addresses that callers named: callbacks, webhooks, integrations. Whatever is
 * dialled was checked just before, at every attempt.
 */
export interface OutboundCaller {
  /** Never throws for what a receiver does, or does not: each end is a value. */
  call(request: OutboundRequest): Promise<OutboundOutcome>;
}

export interface OutboundRequest {
  readonly url: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** None that says where it goes, who asks or how long it is. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Our own proof of who asks, for a receiver that wants one; never a caller's. */
  readonly authorization?: string;
  readonly body?: string | Uint8Array;
  /** For all of it: look-up, connection, headers and body. */
  readonly timeoutMs: number;
  /** What comes after is not read. */
  readonly maxResponseBytes: number;
  readonly signal?: AbortSignal;
}

export type OutboundOutcome = {
  readonly durationMs: number;
} & (
  | {
      readonly kind: "answered";
      /** A redirect is an answer like any other: it is not followed. */
      readonly status: number;
      readonly headers: { readonly "retry-after"?: string; readonly "content-type"?: string };
      /** Its beginning, as UTF-8. */
      readonly body: string;
      readonly truncated: boolean;
    }
  /** We will not call that; `reason` says what to change. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "failed"; readonly cause: OutboundFailure; readonly reason: string }
);

/** `aborted`: by the caller's own signal. */
export type OutboundFailure = "timeout" | "dns" | "tls" | "connection" | "aborted";

/** Whether a URL may be called at all, judged by itself, before anything is accepted. */
export type CheckUrl = (text: string) => UrlVerdict;

export type UrlVerdict =
  | { readonly ok: true; readonly url: string }
  /** What to change. */
  | { readonly ok: false; readonly detail: string };
