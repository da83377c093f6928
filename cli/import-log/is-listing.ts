/** Directories whose pages list articles: `/tag/x`, `/blog/tags/x`. */
const listed = /^(?:tags?|categor(?:y|ies))$/i;
/** Pages that list articles, or answer a search, where they are the last segment. */
const index = /^(?:archives?|feeds?|rss|atom|search)$/i;
const feed = /^(?:feeds?|rss|atom)$/i;
const dateArchive = /\/(?:19|20)\d\d\/(?:0[1-9]|1[0-2])(?:\/(?:0[1-9]|[12]\d|3[01]))?\/?$/;

/**
 * Whether a path is no article by its name: a tag or category, a feed, a search, a page of a paginated
 * list, or a month's or a day's archive. Their views would pay for titles, not for reading.
 */
export function isListing(path: string, query: string): boolean {
  const segments = path.split("/").filter((segment) => segment !== "");
  return (
    segments.some((segment) => listed.test(segment)) ||
    segments.some(
      (segment, at) => /^page$/i.test(segment) && /^\d+$/.test(segments[at + 1] ?? ""),
    ) ||
    /^search$/i.test(segments[0] ?? "") ||
    feed.test(segments.at(-2) ?? "") ||
    index.test(segments.at(-1) ?? "") ||
    dateArchive.test(path) ||
    isListedBy(new URLSearchParams(query), segments.length === 0)
  );
}

/** `?page=2`, `?flav=rss20`, and WordPress's `/?s=words`. On an article `s` may be anything. */
function isListedBy(query: URLSearchParams, isHome: boolean): boolean {
  return [...query].some(
    ([name, value]) =>
      (/^paged?$/.test(name) && /^\d+$/.test(value)) ||
      (/^(?:feed|flav|format|output)$/.test(name) && /^(?:feed|rss|atom)/i.test(value)) ||
      (isHome && /^(?:s|q|query|search)$/.test(name) && value !== ""),
  );
}
