import { articleIdSchema, creatorIdSchema } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import { isSearchReferrer } from "../../core/engagements/search-engines.ts";
import { cutToBytes } from "../../core/values/text.ts";
import { isListing } from "./is-listing.ts";
import type { MapPath } from "./map-path.ts";
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
  listing: "a list, feed or search page, not an article (--include-listings)",
  excluded: "left out by --exclude",
  no_article: "path in which --article-from finds no article",
  no_creator: "path in which --creator-from finds no creator",
  bot: "a bot, by its user agent",
  article_id: "path cannot be an article id, or its creator's",
} as const;
export type SkipReason = keyof typeof skipReasons;

export type Selected = { readonly visit: Visit } | { readonly skipped: SkipReason };

export interface Selection {
  readonly isBot: (userAgent: string) => boolean;
  readonly includeBots: boolean;
  readonly includeListings: boolean;
  readonly mapPath: MapPath;
}

const pageExtensions = new Set(["html", "xhtml"]);
const maxPathLength = 2_048;

export function selectVisit(line: LogLine, selection: Selection): Selected {
  const { isBot, includeBots, includeListings, mapPath } = selection;
  const { method, target } = readRequest(line.request);
  if (method !== "GET") return { skipped: "method" };
  if (line.status !== 200) return { skipped: "status" };
  const location = locationOf(target);
  if (location === undefined) return { skipped: "target" };
  const { path, query } = location;
  if (!isPage(path)) return { skipped: "extension" };
  if (!includeListings && isListing(path, query)) return { skipped: "listing" };
  // No longer one could be an id; and what a pattern does with megabytes need not be known.
  if (path.length > maxPathLength) return { skipped: "article_id" };
  const mapped = mapPath(path);
  if ("skipped" in mapped) return mapped;
  const { articleId, creatorId } = mapped;
  // A log writes `-` for no user agent, which isbot knows as a bot; an empty one says no more.
  const fullAgent = unescapeLogged(line.userAgent) || "-";
  const userAgent = cutToBytes(fullAgent, limits.maxUserAgentBytes);
  const knownByCut = isBot(userAgent);
  // One that shows only beyond the API's limit would be paid for, so it is never sent.
  if (isBot(fullAgent) && !(includeBots && knownByCut)) return { skipped: "bot" };
  const idsAreFit =
    articleIdSchema.safeParse(articleId).success && creatorIdSchema.safeParse(creatorId).success;
  if (!idsAreFit) return { skipped: "article_id" };
  const referrer = cutToBytes(unescapeLogged(line.referrer), limits.maxReferrerBytes);
  const hasReferrer = referrer !== "" && referrer !== "-";
  return {
    visit: {
      articleId,
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
function locationOf(target: string): { path: string; query: string } | undefined {
  const bare = target.replace(/[?#].*$/s, "");
  const query = target.slice(bare.length).replace(/#.*$/s, "").slice(1);
  if (bare.startsWith("/")) return { path: bare, query };
  const absolute = /^https?:\/\/[^/]+/i.exec(bare);
  if (!absolute) return undefined;
  return { path: bare.slice(absolute[0].length) || "/", query };
}

function isPage(path: string): boolean {
  const segment = path.slice(path.lastIndexOf("/") + 1);
  const dot = segment.lastIndexOf(".");
  return dot < 0 || pageExtensions.has(segment.slice(dot + 1).toLowerCase());
}
