import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type {
  OutboundCaller,
  OutboundFailure,
  OutboundOutcome,
  OutboundRequest,
} from "../../core/outbound/outbound-caller.ts";
import { headersProblem } from "./check-headers.ts";
import { checkUrl, hostOf, type OutboundRules } from "./check-url.ts";
import { AddressRefused, checkedLookup, type Resolve, systemResolve } from "./checked-lookup.ts";

export interface OutboundOptions extends OutboundRules {
  /** How names become addresses, anew for each call. */
  readonly resolve?: Resolve;
}

type Ending = WithoutDuration<OutboundOutcome>;
type WithoutDuration<Outcome> = Outcome extends unknown ? Omit<Outcome, "durationMs"> : never;

class TimedOut extends Error {}

/** Calls out on a connection of its own, with no proxy, no redirect and no memory of addresses. */
export function outboundCaller({
  resolve = systemResolve,
  ...rules
}: OutboundOptions): OutboundCaller {
  return {
    async call(request) {
      const startedMs = performance.now();
      const verdict = checkUrl(request.url, rules);
      const reason = verdict.ok ? headersProblem(request.headers ?? {}) : verdict.detail;
      const ending: Ending =
        !verdict.ok || reason !== undefined
          ? { kind: "refused", reason: reason ?? "" }
          : await dial(new URL(verdict.url), request, resolve);
      return { ...ending, durationMs: Math.round(performance.now() - startedMs) };
    },
  };
}

function dial(url: URL, request: OutboundRequest, resolve: Resolve): Promise<Ending> {
  const { method, headers, authorization, body, timeoutMs, signal } = request;
  const options: RequestOptions & { rejectUnauthorized: boolean } = {
    ...{ method, host: hostOf(url), port: url.port, path: `${url.pathname}${url.search}` },
    headers: {
      "user-agent": "Pennyline",
      ...headers,
      ...(authorization !== undefined && { authorization }),
      host: url.host,
      ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
    },
    lookup: checkedLookup(resolve),
    // Neither a connection nor a proxy of others.
    agent: false,
    // Said, so that no environment variable can say otherwise.
    rejectUnauthorized: true,
    ...(signal && { signal }),
  };
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((done) => {
    const call = send(options);
    const timer = setTimeout(() => call.destroy(new TimedOut()), timeoutMs);
    const end = (ending: Ending) => {
      clearTimeout(timer);
      done(ending);
      call.destroy();
    };
    const fail = (error: Error) => end(endingOf(error, timeoutMs));
    call.on("error", fail);
    call.on("response", (response) => {
      response.on("error", fail);
      readStart(response, request.maxResponseBytes, end);
    });
    // A connection that ends without either has nothing more to say.
    call.on("close", () => fail(new Error("the connection ended before an answer")));
    call.end(body);
  });
}

function readStart(response: IncomingMessage, maxBytes: number, end: (ending: Ending) => void) {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const answer = (truncated: boolean) => {
    const { "retry-after": retryAfter, "content-type": contentType } = response.headers;
    end({
      kind: "answered",
      status: response.statusCode ?? 0,
      headers: {
        ...(retryAfter !== undefined && { "retry-after": retryAfter }),
        ...(contentType !== undefined && { "content-type": contentType }),
      },
      body: Buffer.concat(chunks).subarray(0, maxBytes).toString("utf8"),
      truncated,
    });
  };
  response.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) answer(true);
  });
  response.on("end", () => answer(false));
}

function endingOf(error: Error, timeoutMs: number): Ending {
  if (error instanceof AddressRefused) return { kind: "refused", reason: error.message };
  if (error instanceof TimedOut) {
    return { kind: "failed", cause: "timeout", reason: `no answer within ${timeoutMs / 1_000} s` };
  }
  if (error.name === "AbortError") {
    return { kind: "failed", cause: "aborted", reason: "given up" };
  }
  const code = String((error as NodeJS.ErrnoException).code ?? error.message);
  return { kind: "failed", cause: failureOf(code), reason: code };
}

function failureOf(code: string): OutboundFailure {
  if (/^(?:ENOTFOUND|ENODATA|EAI_)/.test(code)) return "dns";
  const ofTls = /^(?:EPROTO|ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_)/;
  return ofTls.test(code) ? "tls" : "connection";
}
