/** One line of an access log in combined format; texts as the server logged them, escapes kept. */
export interface LogLine {
  readonly address: string;
  /** UTC milliseconds since the epoch. */
  readonly timeMs: number;
  /** Usually `GET /path HTTP/1.1`; whatever the client sent, `-` when it sent nothing. */
  readonly request: string;
  readonly status: number;
  readonly referrer: string;
  readonly userAgent: string;
}

export type ParsedLine =
  | { readonly ok: true; readonly line: LogLine }
  | { readonly ok: false; readonly reason: string };

// The user's name may hold spaces, so the strictly shaped time is what ends it. Only after a `-`,
// though: with a virtual host in front, the first field would be no reader's address.
const head =
  /^(\S+) (?:- \S.*?|\S+ \S+) \[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\] "/s;
// Sticky, and without alternatives that overlap: a hostile line costs linear time.
const quoted = /[^"\\]*(?:\\.[^"\\]*)*"/sy;
const statusAndBytes = / (\d{3}) (?:\d+|-) "/y;
const between = / "/y;

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const broken = (reason: string): ParsedLine => ({ ok: false, reason });

/**
 * Reads a line of Apache's or nginx's combined format. Fields after the user agent are ignored, as
 * many sites append their own. Never throws: whatever does not fit is `ok: false` with the reason.
 */
export function parseCombinedLog(text: string): ParsedLine {
  const start = head.exec(text);
  if (!start) return broken("does not begin with address, user and [time]");
  const timeMs = readTime(start);
  if (timeMs === undefined) return broken("the time does not exist");
  const request = readQuoted(text, start[0].length);
  if (!request) return broken("the request has no closing quote");
  const result = matchAt(statusAndBytes, text, request.end);
  if (!result) return broken("no status and size after the request");
  const referrer = readQuoted(text, statusAndBytes.lastIndex);
  const agentStart = referrer && matchAt(between, text, referrer.end) && between.lastIndex;
  const userAgent = agentStart ? readQuoted(text, agentStart) : undefined;
  if (!referrer || !userAgent) return broken("no referrer and user agent in quotes");
  const next = text[userAgent.end];
  if (next !== undefined && next !== " ") return broken("the user agent holds a bare quote");
  return {
    ok: true,
    line: {
      address: start[1] ?? "",
      timeMs,
      request: request.text,
      status: Number(result[1]),
      referrer: referrer.text,
      userAgent: userAgent.text,
    },
  };
}

function matchAt(pattern: RegExp, text: string, from: number): RegExpExecArray | null {
  pattern.lastIndex = from;
  return pattern.exec(text);
}

/** The text from `from` to the next quote that is not escaped, and where that quote ends. */
function readQuoted(text: string, from: number): { text: string; end: number } | undefined {
  const match = matchAt(quoted, text, from);
  return match ? { text: match[0].slice(0, -1), end: from + match[0].length } : undefined;
}

/** `17/May/2015:10:05:03 +0200`; a leap second counts as the second after it. */
function readTime(start: RegExpExecArray): number | undefined {
  const [day, year, hour, minute, second] = [2, 4, 5, 6, 7].map((group) => Number(start[group]));
  const month = months.indexOf(start[3] ?? "");
  if (day === undefined || year === undefined || month < 0) return undefined;
  if (hour === undefined || minute === undefined || second === undefined) return undefined;
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month, day);
  if (midnight.getUTCMonth() !== month || midnight.getUTCDate() !== day) return undefined;
  const zone = start[8] ?? "+0000";
  const [zoneHours, zoneMinutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3))];
  if (zoneHours > 14 || zoneMinutes > 59) return undefined;
  const zoneMs = (zoneHours * 60 + zoneMinutes) * (zone.startsWith("-") ? -60_000 : 60_000);
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1_000 - zoneMs;
}

const escapes: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
  v: "\v",
};

/** Undoes `\"`, `\\`, `\xhh` and C escapes. The bytes of `\xhh` are UTF-8, or else U+FFFD. */
export function unescapeLogged(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/((?:\\x[0-9A-Fa-f]{2})+)|\\(.)/gs, (_, bytes?: string, character = "") =>
    bytes === undefined
      ? (escapes[character] ?? character)
      : Buffer.from(bytes.replaceAll("\\x", ""), "hex").toString("utf8"),
  );
}
