import { describe, expect, it } from "vitest";
import { isListing } from "../../../cli/import-log/is-listing.ts";
import {
  type PathRules,
  pathMapper,
  readGlob,
  readPattern,
} from "../../../cli/import-log/map-path.ts";
import { UsageError } from "../../../local/cli/options.ts";

const none: PathRules = {
  ...{ exclude: [], articleFrom: undefined, creatorFrom: undefined, creator: undefined },
};

function mapped(rules: Partial<PathRules>, path: string) {
  const found = pathMapper({ ...none, ...rules })(path);
  return "skipped" in found ? found.skipped : [found.articleId, found.creatorId];
}

describe("how articles and creators follow from paths", () => {
  it("is the path and its first segment, without rules", () => {
    expect(mapped({}, "/blog/a")).toEqual(["/blog/a", "blog"]);
    expect(mapped({}, "/")).toEqual(["/", "site"]);
  });

  it("is what named groups find; a path without one is left out", () => {
    const creatorFrom = readPattern("creator-from", "creator", "^/@(?<creator>[^/]+)/");
    const articleFrom = readPattern("article-from", "article", "^/@[^/]+/(?<article>[a-z-]+)");
    expect(mapped({ creatorFrom, articleFrom }, "/@ada/on-engines/amp")).toEqual([
      "on-engines",
      "ada",
    ]);
    expect(mapped({ creatorFrom }, "/@ada/on-engines/")).toEqual(["/@ada/on-engines/", "ada"]);
    expect(mapped({ creatorFrom }, "/about")).toBe("no_creator");
    expect(mapped({ articleFrom }, "/about")).toBe("no_article");
  });

  it("is one creator for the rest, or for all", () => {
    const creatorFrom = readPattern("creator-from", "creator", "^/@(?<creator>[^/]+)/");
    expect(mapped({ creator: "jo" }, "/blog/a")).toEqual(["/blog/a", "jo"]);
    expect(mapped({ creator: "jo", creatorFrom }, "/about")).toEqual(["/about", "jo"]);
    expect(mapped({ creator: "jo", creatorFrom }, "/@ada/x")).toEqual(["/@ada/x", "ada"]);
  });

  it.each([
    ["/drafts/**", "/drafts/a/b", true],
    ["/drafts/**", "/drafts/", true],
    ["/drafts/**", "/blog/drafts/a", false],
    ["/drafts/*", "/drafts/a/b", false],
    ["/about.html", "/about.html", true],
    ["/about.html", "/aboutxhtml", false],
    ["**/amp", "/blog/a/amp", true],
  ])("leaves out by %s: %s: %s", (glob, path, isOut) => {
    expect(mapped({ exclude: ["/never", readGlob(glob)] }, path) === "excluded").toBe(isOut);
  });

  it("stops a pattern that would not end, and names the path", () => {
    const creatorFrom = readPattern("creator-from", "creator", "^/(?<creator>(a+)+)$");
    const path = `/${"a".repeat(60)}!`;
    expect(() => mapped({ creatorFrom }, path)).toThrow(UsageError);
    expect(() => mapped({ creatorFrom }, path)).toThrow(/more than 1 s for the path "\/aaa/);
  });

  it.each([
    ["(", "is not a regular expression: /(/: Unterminated group; for example --creator-from '^/@("],
    ["^/(ada)/", "needs a group (?<creator>…), for example --creator-from '^/@(?<creator>"],
    ["^/(?<author>.*)/", "needs a group (?<creator>…)"],
  ])("says what is wrong with the pattern %s", (text, message) => {
    expect(() => readPattern("creator-from", "creator", text)).toThrow(`--creator-from ${message}`);
  });

  it("says what is wrong with a glob that can match no path", () => {
    expect(() => readGlob("drafts/*")).toThrow("write /drafts/* or **/drafts/*");
  });
});

describe("what is no article by its path", () => {
  it.each([
    "/tag/a",
    "/blog/tags/puppet",
    "/blog/Tags/year%20review",
    "/category/news/",
    "/feed",
    "/blog/feed/",
    "/feed/atom/",
    "/blog/rss",
    "/search",
    "/search/label/x",
    "/blog/search/",
    "/page/2/",
    "/blog/page/12",
    "/archives",
    "/blog/2015/05",
    "/2015/05/17/",
    "/?page=2",
    "/blog?paged=3",
    "/?flav=rss20",
    "/blog/a.html?format=atom",
    "/?s=words",
  ])("%s", (target) => {
    const [path = "", query = ""] = target.split("?");
    expect(isListing(path, query)).toBe(true);
  });

  it.each([
    "/",
    "/?p=12",
    "/blog/tagging-systems",
    "/blog/how-to-search",
    "/feed/on-feeds/x",
    "/page/one",
    "/page",
    "/archives/a-letter",
    "/2015/05/17/a-day",
    "/reports/2024",
    "/blog/a?s=20",
    "/blog/a?page=about",
    "/articles/research",
  ])("is not %s", (target) => {
    const [path = "", query = ""] = target.split("?");
    expect(isListing(path, query)).toBe(false);
  });
});
