import { articleIdSchema, creatorIdSchema } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import { isSearchReferrer } from "../../core/engagements/search-engines.ts";
import { cutToBytes } from "../../core/values/text.ts";
import { type LogLine, unescapeLogged } from "./parse-combined-log.ts";

/** A line that counts: somebody was served an article. */
export interface Visit {
  readonly articleId: string;
  readonly creatorId: string;
  readonly address: string;
  /** As it can be sent: within the API's limits, and without characters that no queue takes. */
  readonly userAgent: string;
  readonly isBot: boolean;
  readonly timeMs: number;
  /** The same of what the browser sent; absent when it sent none. */
  readonly referrer?: string;
  readonly fromSearch: boolean;
}

/** Why a line is no visit, in the order in which the rules are tried. */
export const skipReasons = {
  method: "not a GET",
  status: "status other than 200",
  target: "request target is not a path",
  extension: "a file that is not a page",
  bot: "a bot, by its user agent",
  article_id: "path cannot be an article id",
} as const;
export type SkipReason = keyof typeof skipReasons;

export type Selected = { readonly visit: Visit } | { readonly skipped: SkipReason };

export interface Selection {
  readonly isBot: (userAgent: string) => boolean;
  readonly includeBots: boolean;
}

const pageExtensions = new Set(["html", "xhtml"]);

export function selectVisit(line: LogLine, { isBot, includeBots }: Selection): Selected {
  const { method, target } = readRequest(line.request);
  if (method !== "GET") return { skipped: "method" };
  if (line.status !== 200) return { skipped: "status" };
  const path = pathOf(target);
  if (path === undefined) return { skipped: "target" };
  if (!isPage(path)) return { skipped: "extension" };
  // A log writes `-` for no user agent, which isbot knows as a bot; an empty one says no more.
  const fullAgent = unescapeLogged(line.userAgent) || "-";
  const userAgent = cutToBytes(fullAgent, limits.maxUserAgentBytes);
  const knownByCut = isBot(userAgent);
  // One that shows only beyond the API's limit would be paid for, so it is never sent.
  if (isBot(fullAgent) && !(includeBots && knownByCut)) return { skipped: "bot" };
  const creatorId = creatorOf(path);
  const idsAreFit =
    articleIdSchema.safeParse(path).success && creatorIdSchema.safeParse(creatorId).success;
  if (!idsAreFit) return { skipped: "article_id" };
  const referrer = cutToBytes(unescapeLogged(line.referrer), limits.maxReferrerBytes);
  const hasReferrer = referrer !== "" && referrer !== "-";
  return {
    visit: {
      articleId: path,
      creatorId,
      address: line.address,
      userAgent,
      isBot: knownByCut,
      timeMs: line.timeMs,
      ...(hasReferrer ? { referrer } : {}),
      fromSearch: hasReferrer && isSearchReferrer(referrer),
    },
  };
}

/** `GET /path HTTP/1.1`. HTTP/0.9 names no version; a careless client leaves spaces in the path. */
function readRequest(request: string): { method: string; target: string } {
  const space = request.indexOf(" ");
  if (space < 0) return { method: request, target: "" };
  const target = request.slice(space + 1).replace(/ HTTP\/\d(?:\.\d)?$/, "");
  return { method: request.slice(0, space), target };
}

/** The path exactly as it stands, or undefined for `*`, `host:port` and the like. */
function pathOf(target: string): string | undefined {
  const bare = target.replace(/[?#].*$/s, "");
  if (bare.startsWith("/")) return bare;
  const absolute = /^https?:\/\/[^/]+/i.exec(bare);
  if (!absolute) return undefined;
  return bare.slice(absolute[0].length) || "/";
}

function isPage(path: string): boolean {
  const segment = path.slice(path.lastIndexOf("/") + 1);
  const dot = segment.lastIndexOf(".");
  return dot < 0 || pageExtensions.has(segment.slice(dot + 1).toLowerCase());
}

/**
 * The first path segment with a name: `//a/b` is served as `/a/b` is, and `..` would climb out of
 * `/v1/creators/{creatorId}` in every URL library.
 */
export function creatorOf(path: string): string {
  const named = path.split("/").find((segment) => !/^\.{0,2}$/.test(segment));
  return named ?? "site";
}
