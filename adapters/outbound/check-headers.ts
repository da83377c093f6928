/** Ours to set, or to leave out: where a request goes, who asks, and where it ends. */
const ours: ReadonlySet<string> = new Set([
  "authorization",
  "connection",
  "content-length",
  "cookie",
  "expect",
  "forwarded",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);
const ourPrefixes = ["proxy-", "x-forwarded-", "sec-"];

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const value = /^[\t\x20-\x7e]*$/;

/** What is wrong with headers that a caller wants sent; undefined when they are fine. */
export function headersProblem(headers: Readonly<Record<string, string>>): string | undefined {
  for (const [name, text] of Object.entries(headers)) {
    if (!token.test(name)) return `${JSON.stringify(name)} is no header name`;
    const lower = name.toLowerCase();
    if (ours.has(lower) || ourPrefixes.some((prefix) => lower.startsWith(prefix))) {
      return `the header ${lower} cannot be set`;
    }
    if (!value.test(text)) return `the header ${lower} must be printable ASCII in one line`;
  }
  return undefined;
}
