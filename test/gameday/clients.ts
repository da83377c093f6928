import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Engagement, kinds, type Oracle } from "./oracle.ts";
import { NotReached } from "./until.ts";

/** Publishers' servers and readers' pages: they send everything again until it is answered. */
export interface Clients {
  /** As a publisher's server does: many in one request. */
  report(batch: readonly Engagement[], options?: SendOptions): Promise<void>;
  /** As a page does: with a view token that the publisher got for it. */
  read(engagement: Engagement): Promise<void>;
  /** What was answered since that time (ms since the epoch) by the routes that take engagements. */
  since(atMs: number): Answers;
  /** Of the last request that was answered 5xx. */
  lastFailedTraceId(): string | undefined;
}

export interface SendOptions {
  readonly traceId?: string;
  /** Sent beside the others, so that it is refused by itself. */
  readonly bad?: readonly Engagement[];
}

/** Of requests: how many had which answer, and how long those took that were accepted. */
export interface Answers {
  readonly byStatus: Readonly<Record<string, number>>;
  readonly medianMs: number;
  readonly p99Ms: number;
}

export interface ClientsDeps {
  readonly url: () => string;
  readonly publisherToken: () => Promise<string>;
  readonly oracle: Oracle;
  /** How long a client's minute lasts: they obey a `Retry-After` at that pace. */
  readonly minuteMs: number;
  /** When they give up, since the epoch. */
  readonly deadlineMs: number;
}

/** The default one of Node is known as a bot's, whose views earn nothing. */
const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const requestTimeoutMs = 35_000;
const backoffMs = 500;
const noAnswer = "none";

interface Answer {
  readonly status: number;
  readonly retryAfterMs: number;
  // biome-ignore lint/suspicious/noExplicitAny: said by the API, and looked at where it is used
  readonly body: any;
}

export function createClients(deps: ClientsDeps): Clients {
  const { oracle, deadlineMs } = deps;
  let lastFailed: string | undefined;
  const answered: { readonly atMs: number; readonly status: string; readonly tookMs: number }[] =
    [];

  const attempt = async (path: string, body: object, headers: Record<string, string>) => {
    const signal = AbortSignal.timeout(requestTimeoutMs);
    const response = await fetch(deps.url() + path, {
      method: "POST",
      headers: { "user-agent": browser, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal,
    });
    if (response.status >= 500) lastFailed = response.headers.get("traceparent")?.split("-")[1];
    const seconds = Number(response.headers.get("retry-after") ?? 0);
    const answer: Answer = {
      status: response.status,
      retryAfterMs: seconds * (deps.minuteMs / 60),
      body: await response.json().catch(() => undefined),
    };
    return answer;
  };

  /** The first answer that sending it again would not change. */
  const untilAnswered = async (path: string, body: object, headers: Record<string, string>) => {
    const counts = path.startsWith("/v1/engagements");
    let last = noAnswer;
    while (Date.now() < deadlineMs) {
      const startedMs = performance.now();
      // Cut off, it may or may not have been accepted: sent again it is counted once.
      const answer = await attempt(path, body, headers).catch(() => undefined);
      last = String(answer?.status ?? noAnswer);
      const tookMs = performance.now() - startedMs;
      if (counts) answered.push({ atMs: Date.now(), status: last, tookMs });
      if (answer && answer.status < 500 && answer.status !== 429) return answer;
      await delay((answer?.retryAfterMs ?? 0) + Math.random() * backoffMs);
    }
    throw new NotReached(`not reached: an answer to POST ${path}; the last one was ${last}`);
  };

  const asPublisher = async () => ({ authorization: `Bearer ${await deps.publisherToken()}` });

  return {
    lastFailedTraceId: () => lastFailed,
    async report(batch, { traceId, bad = [] } = {}) {
      const all = [...batch, ...bad];
      for (const one of all) oracle.sending(one);
      const answer = await untilAnswered(
        "/v1/engagements/batch",
        { engagements: all },
        { ...(await asPublisher()), ...(traceId && { traceparent: traceparentOf(traceId) }) },
      );
      settle(oracle, all, answer);
    },
    async read(engagement) {
      const { articleId, readerId, kind, occurredAt } = engagement;
      oracle.sending(engagement);
      const about = { articleId, readerId };
      const { body } = await untilAnswered("/v1/view-tokens", about, await asPublisher());
      const report = { token: body.token, kind, occurredAt };
      settle(oracle, [engagement], await untilAnswered("/v1/engagements", report, {}));
    },
    since(atMs) {
      const those = answered.filter((one) => one.atMs >= atMs);
      const times = those.filter(({ status }) => status === "202").map(({ tookMs }) => tookMs);
      times.sort((a, b) => a - b);
      const at = (part: number) => Math.round(times[Math.floor(times.length * part)] ?? 0);
      const byStatus = Object.groupBy(those, ({ status }) => status);
      return {
        byStatus: Object.fromEntries(
          Object.entries(byStatus).map(([status, list]) => [status, list?.length ?? 0]),
        ),
        medianMs: at(0.5),
        p99Ms: at(0.99),
      };
    },
  };
}

function settle(oracle: Oracle, sent: readonly Engagement[], { status, body }: Answer): void {
  const listed: readonly { index: number; code: string }[] = body?.rejected ?? body?.errors ?? [];
  const refused = new Map(listed.map(({ index, code }) => [index, code]));
  for (const [index, one] of sent.entries()) {
    const reason = refused.get(index) ?? (status === 202 ? undefined : `status ${status}`);
    if (reason === undefined) oracle.accepted(one);
    else oracle.refused(one, reason);
  }
}

const traceparentOf = (traceId: string) => `00-${traceId}-${randomBytes(8).toString("hex")}-01`;

/** Engagements of readers who have not been there before. */
export function createReaders(name: string) {
  let count = 0;
  const next = () => {
    count += 1;
    return `${name}-${count}`;
  };
  const engagement = (articleId: string, more: Partial<Engagement> = {}): Engagement => ({
    ...{ articleId, readerId: next(), kind: "view", occurredAt: new Date().toISOString() },
    ...more,
  });
  return {
    engagement,
    /** Mostly views, as it is. */
    mixed(articleId: string, size: number): Engagement[] {
      return Array.from({ length: size }, (_, index) =>
        engagement(articleId, { kind: kinds[index % 6] ?? "view" }),
      );
    },
  };
}
