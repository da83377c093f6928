/** One thing wrong with a request, and where. */
export interface FieldProblem {
  readonly field: string;
  readonly detail: string;
}

export interface ProblemExtensions {
  readonly errors?: readonly FieldProblem[];
  readonly rejected?: readonly unknown[];
  readonly retryAfterSeconds?: number;
  /** Whose rate is used up: this caller's, or its network address's. */
  readonly limit?: "caller" | "ip";
  /** Of a stale save: what is stored, and where both texts can be read. */
  readonly currentRevision?: number;
  readonly links?: Readonly<Record<string, string>>;
  /** Of work that is refused because too much waits: what, and since when. */
  readonly backlog?: Readonly<Record<string, string | number | undefined>>;
}

/** An answer other than success, as RFC 9457 describes it. `code` ends its `type` URI. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly extensions: ProblemExtensions;

  constructor(
    status: number,
    code: string,
    title: string,
    detail: string,
    extensions: ProblemExtensions = {},
    options?: ErrorOptions,
  ) {
    super(detail, options);
    this.status = status;
    this.code = code;
    this.title = title;
    this.extensions = extensions;
  }
}

export const problems = {
  invalid: (detail: string, errors?: readonly FieldProblem[]) =>
    new Problem(
      400,
      "invalid-request",
      "The request is not valid",
      detail,
      errors ? { errors } : {},
    ),
  forbidden: (detail: string) => new Problem(403, "forbidden", "Not for you", detail),
  conflict: (code: string, title: string, detail: string, extensions: ProblemExtensions = {}) =>
    new Problem(409, code, title, detail, extensions),
  tooMany: (detail: string, retryAfterSeconds: number, limit?: "caller" | "ip") =>
    new Problem(429, "too-many-requests", "Too many requests", detail, {
      retryAfterSeconds,
      ...(limit && { limit }),
    }),
  notFound: (what: string) =>
    new Problem(404, "not-found", "Not found", `There is no ${what} here that you may see.`),
  tooLarge: (detail: string) => new Problem(413, "too-large", "The request is too large", detail),
  unsupportedMediaType: (detail: string) =>
    new Problem(415, "unsupported-media-type", "Unsupported media type", detail),
  keyReused: () =>
    new Problem(
      409,
      "idempotency-key-reused",
      "Idempotency-Key was used before",
      "This Idempotency-Key came with another request before; use a new key for a new request.",
    ),
  unavailable: (detail: string, cause?: unknown) =>
    new Problem(503, "unavailable", "Try again", detail, { retryAfterSeconds: 2 }, { cause }),
} as const;
