import { limits } from "../../core/contracts/limits.ts";
import type { UrlVerdict } from "../../core/outbound/outbound-caller.ts";
import { isAddress, isLoopback, objectionTo } from "./judge-address.ts";

export interface OutboundRules {
  /** `http`, and any port, to this machine: for the stage that is one machine, and no other. */
  readonly allowLoopback: boolean;
}

const ports: readonly string[] = ["443", "8443"];
const localName = /(?:^|\.)localhost$/;
/** Names that no public server has. */
const privateName = /(?:^|\.)(?:local|localdomain|internal|home\.arpa)$/;
/** The parser drops or rewrites these, so that two readers would not see the same URL. */
const unfit = /[\p{Cc}\p{Z}\\]/u;

/**
 * Whether a URL may be called, from what it says alone: HTTPS to a public server. What its name leads
 * to is checked when it is called.
 */
export function checkUrl(text: string, rules: OutboundRules): UrlVerdict {
  const url = URL.parse(text);
  const detail = spellingProblem(text) ?? (url ? urlProblem(url, rules) : "must be a URL");
  if (detail !== undefined || !url) return { ok: false, detail: detail ?? "" };
  return { ok: true, url: url.href };
}

/** The host to connect to: an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

/** Whether the host says by itself that it is this machine. */
export function isLoopbackHost(host: string): boolean {
  return localName.test(host) || isLoopback(host);
}

function spellingProblem(text: string): string | undefined {
  if (Buffer.byteLength(text) > limits.maxUrlBytes) {
    return `must be at most ${limits.maxUrlBytes} bytes`;
  }
  if (!text.isWellFormed() || unfit.test(text)) {
    return "must not contain spaces, control characters or backslashes; percent-encode them";
  }
  if (!/^https?:\/\/[^/?#]/i.test(text)) return "must begin with https:// and a host";
  if (/^[^/]*\/\/[^/?#]*@/.test(text)) {
    return "must not contain a user name or password; the signature says who calls";
  }
  if (text.includes("#")) return "must not contain a fragment; leave out # and what follows";
  return undefined;
}

function urlProblem(url: URL, { allowLoopback }: OutboundRules): string | undefined {
  const host = hostOf(url);
  if (host.endsWith(".")) return "must not end its host with a dot";
  if (isLoopbackHost(host)) {
    return allowLoopback ? undefined : `must name a public server; ${host} is this machine itself`;
  }
  if (url.protocol !== "https:") return "must begin with https://";
  if (!ports.includes(url.port || "443")) {
    return `must use port ${ports.join(" or ")}, not ${url.port}`;
  }
  if (isAddress(host)) {
    const objection = objectionTo(host);
    return objection && `must name a public server; the address ${host} is ${objection}`;
  }
  if (!host.includes(".") || privateName.test(host)) {
    return `must name a public server; ${host} is a name inside a private network`;
  }
  return undefined;
}
