import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstSegment, pathMapper } from "../../../cli/import-log/map-path.ts";
import type { LogLine } from "../../../cli/import-log/parse-combined-log.ts";
import { selectVisit } from "../../../cli/import-log/select-visit.ts";
import { articleIdSchema, callerText, creatorIdSchema } from "../../../core/contracts/ids.ts";
import { limits } from "../../../core/contracts/limits.ts";

const isBot = (userAgent: string) => /bot/i.test(userAgent) || userAgent === "-";
const noRules = { exclude: [], articleFrom: undefined, creatorFrom: undefined, creator: undefined };
const mapPath = pathMapper(noRules);
const line: LogLine = {
  address: "192.0.2.1",
  timeMs: Date.UTC(2026, 0, 2),
  request: "GET /blog/post HTTP/1.1",
  status: 200,
  referrer: "-",
  userAgent: "Browser/1.0",
};

const select = (changes: Partial<LogLine>, includeBots = false) =>
  selectVisit({ ...line, ...changes }, { isBot, includeBots, includeListings: false, mapPath });

function outcome(changes: Partial<LogLine>): string {
  const selected = select(changes);
  return "visit" in selected ? selected.visit.articleId : selected.skipped;
}

const outcomeOf = (request: string) => outcome({ request });

describe("selectVisit", () => {
  it("makes a visit of a page that was served", () => {
    expect(select({})).toEqual({
      visit: {
        articleId: "/blog/post",
        creatorId: "blog",
        address: "192.0.2.1",
        userAgent: "Browser/1.0",
        isBot: false,
        timeMs: line.timeMs,
        fromSearch: false,
      },
    });
  });

  it.each([
    ["GET / HTTP/1.1", "/"],
    ["GET /a/b/ HTTP/1.0", "/a/b/"],
    ["GET /a/b.html HTTP/1.1", "/a/b.html"],
    ["GET /a/b.XHTML HTTP/1.1", "/a/b.XHTML"],
    ["GET /v1.2/notes HTTP/1.1", "/v1.2/notes"],
    ["GET /a?x=/b.png HTTP/2.0", "/a"],
    ["GET /?p=1 HTTP/1.1", "/"],
    ["GET /a#part HTTP/1.1", "/a"],
    ["GET /a%20b%3Fc HTTP/1.1", "/a%20b%3Fc"],
    ["GET //a//b HTTP/1.1", "//a//b"],
    ["GET /a b HTTP/1.1", "/a b"],
    ["GET /old", "/old"],
    ["GET /caf\\xe9 HTTP/1.1", "/caf\\xe9"],
    ["GET http://host.example/a?b HTTP/1.1", "/a"],
    ["GET https://host.example HTTP/1.1", "/"],
    ["GET https://host.example?q HTTP/1.1", "/"],
  ])("takes the article of %j as it stands: %j", (request, articleId) => {
    expect(outcomeOf(request)).toBe(articleId);
  });

  it.each([
    ["POST /a HTTP/1.1", "method"],
    ["HEAD /a HTTP/1.1", "method"],
    ["get /a HTTP/1.1", "method"],
    ["-", "method"],
    ["\\x16\\x03\\x01", "method"],
    ["GET", "target"],
    ["GET * HTTP/1.1", "target"],
    ["GET host.example:443 HTTP/1.1", "target"],
    ["GET /a.png HTTP/1.1", "extension"],
    ["GET /a.html%20target= HTTP/1.1", "extension"],
    ["GET /notes-1.2 HTTP/1.1", "extension"],
    ["GET /.env HTTP/1.1", "extension"],
    ["GET /blog/tags/puppet HTTP/1.1", "listing"],
    ["GET /?flav=rss20 HTTP/1.1", "listing"],
    [`GET /${"x".repeat(512)} HTTP/1.1`, "article_id"],
    [`GET /${"x".repeat(9_000)} HTTP/1.1`, "article_id"],
    [`GET /${"x".repeat(300)}/a HTTP/1.1`, "article_id"],
    ["GET /a\u0085b HTTP/1.1", "article_id"],
    ["GET /a\uFFFEb HTTP/1.1", "article_id"],
  ])("leaves %j out for its %s", (request, reason) => {
    expect(outcomeOf(request)).toBe(reason);
  });

  it.each([206, 304, 301, 404, 500])("leaves out status %i", (status) => {
    expect(outcome({ status })).toBe("status");
  });

  it("leaves bots out, and whoever does not say what it is, unless asked to keep them", () => {
    for (const userAgent of ["Robot/1.0", "-", ""]) {
      expect(outcome({ userAgent })).toBe("bot");
      // Sent as what the API knows as a bot, or it would be paid for.
      const kept = { userAgent: userAgent || "-", isBot: true };
      expect(select({ userAgent }, true)).toMatchObject({ visit: kept });
    }
    expect(select({}, true)).toMatchObject({ visit: { isBot: false } });
  });

  it("never sends a bot that the part which can be sent does not give away", () => {
    const padding = "x".repeat(limits.maxUserAgentBytes);
    expect(select({ userAgent: `${padding} Robot/1.0` }, true)).toEqual({ skipped: "bot" });
    expect(select({ userAgent: `Robot/1.0 ${padding}` }, true)).toMatchObject({
      visit: { isBot: true },
    });
  });

  it("cuts what a browser sent to what the API takes, and still knows a search", () => {
    const selected = select({
      userAgent: `Browser/1.0 \\x00 ${"\u00e9".repeat(1_000)}`,
      referrer: `https://www.google.com/search?q=${"\u00e9".repeat(2_000)}`,
    });
    if (!("visit" in selected)) throw new Error("it is a visit");
    const { userAgent, referrer, fromSearch } = selected.visit;
    callerText("userAgent", limits.maxUserAgentBytes).parse(userAgent);
    callerText("referrer", limits.maxReferrerBytes).parse(referrer);
    expect(fromSearch).toBe(true);
  });

  it.each([
    ["https://www.google.com/", true],
    ["http://www.google.co.uk/url?q=x", true],
    ["https://mail.google.com/", false],
    ["https://google.com.evil.example/", false],
    ["https://evil.example/?https://google.com", false],
    ["/relative", false],
    ["-", false],
    ["", false],
    // As text a bare quote ends no host; taken as logged, the backslash would.
    ['https://www.google.com\\"evil.example/', false],
  ])("says of the referrer %j whether it is a search: %s", (referrer, fromSearch) => {
    expect(select({ referrer })).toMatchObject({ visit: { fromSearch } });
  });

  it("makes ids that the contracts allow, whatever the request", () => {
    const request = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "binary" }).map((path) => `GET /${path} HTTP/1.1`),
      fc.webUrl().map((url) => `GET ${url} HTTP/1.1`),
    );
    fc.assert(
      fc.property(request, (text) => {
        const selected = select({ request: text });
        if (!("visit" in selected)) return;
        articleIdSchema.parse(selected.visit.articleId);
        creatorIdSchema.parse(selected.visit.creatorId);
      }),
    );
  });
});

describe("the creator of a path, by default", () => {
  it.each([
    ["/", "site"],
    ["//", "site"],
    ["/blog/a", "blog"],
    ["//blog/a", "blog"],
    ["/about.html", "about.html"],
    ["/../blog/a", "blog"],
    ["/.", "site"],
    ["/%7Eann/", "%7Eann"],
  ])("pays for %s to %s", (path, creatorId) => {
    expect(firstSegment(path)).toBe(creatorId);
  });
});
