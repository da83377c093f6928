import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type LogLine,
  parseCombinedLog,
  unescapeLogged,
} from "../../../cli/import-log/parse-combined-log.ts";

const good = '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 20 "-" "Agent/1.0"';

function lineOf(text: string): LogLine {
  const parsed = parseCombinedLog(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.line;
}

function reasonOf(text: string): string {
  const parsed = parseCombinedLog(text);
  return parsed.ok ? "no reason, it is fine" : parsed.reason;
}

describe("parseCombinedLog", () => {
  it("reads every field it needs", () => {
    expect(lineOf(good)).toEqual({
      address: "192.0.2.1",
      timeMs: Date.UTC(2015, 4, 17, 10, 5, 3),
      request: "GET /a HTTP/1.1",
      status: 200,
      referrer: "-",
      userAgent: "Agent/1.0",
    });
  });

  it.each([
    ["an IPv6 address", good.replace("192.0.2.1", "2001:db8::1"), { address: "2001:db8::1" }],
    ["a host name", good.replace("192.0.2.1", "host.example"), { address: "host.example" }],
    ["a user", good.replace("- - [", "- alice ["), { status: 200 }],
    ["a user with spaces", good.replace("- - [", "- Alice B [x ["), { address: "192.0.2.1" }],
    ["no size", good.replace(" 20 ", " - "), { status: 200 }],
    ["no user agent", good.replace("Agent/1.0", "-"), { userAgent: "-" }],
    ["an empty user agent", good.replace("Agent/1.0", ""), { userAgent: "" }],
    ["an escaped quote", good.replace("/a ", '/a\\"b '), { request: 'GET /a\\"b HTTP/1.1' }],
    ["a backslash before the quote", good.replace("Agent/1.0", "A\\\\"), { userAgent: "A\\\\" }],
    ["nginx's escapes", good.replace("/a ", "/a\\x22b "), { request: "GET /a\\x22b HTTP/1.1" }],
    ["a request that is nothing", good.replace("GET /a HTTP/1.1", "-"), { request: "-" }],
    ["more fields behind", `${good} "10.0.0.1" 0.003`, { userAgent: "Agent/1.0" }],
    ["a line separator in a field", good.replace("/1.0", "\u2028"), { userAgent: "Agent\u2028" }],
  ])("reads %s", (_, text, expected) => {
    expect(lineOf(text)).toMatchObject(expected);
  });

  it.each([
    ["17/May/2015:10:05:03 +0200", "2015-05-17T08:05:03Z"],
    ["01/Jan/2026:00:30:00 +0530", "2025-12-31T19:00:00Z"],
    ["31/Dec/2025:23:30:00 -0800", "2026-01-01T07:30:00Z"],
    ["29/Feb/2024:12:00:00 +0000", "2024-02-29T12:00:00Z"],
    ["31/Dec/2016:23:59:60 +0000", "2017-01-01T00:00:00Z"],
  ])("takes %s for %s", (logged, expected) => {
    const { timeMs } = lineOf(good.replace("17/May/2015:10:05:03 +0000", logged));
    expect(timeMs).toBe(Date.parse(expected));
  });

  it.each([
    ["", "begin"],
    ["hello", "begin"],
    [good.replace("17/May", "30/Feb"), "time"],
    [good.replace("17/May", "17/Mai"), "time"],
    [good.replace("10:05:03", "24:05:03"), "time"],
    [good.replace("10:05:03", "10:61:03"), "time"],
    [good.slice(0, good.indexOf('" 200')), "request"],
    [good.replace(" 200 20", ""), "status"],
    [good.replace(' "-" "Agent/1.0"', ""), "status"],
    [good.slice(0, -1), "user agent"],
    [good.replace("Agent/1.0", 'An "Agent"'), "quote"],
    // Not combined: the first field would be taken for the reader's address.
    [`www.example.com:443 ${good}`, "begin"],
  ])("says what is wrong with %j", (text, reason) => {
    expect(reasonOf(text)).toContain(reason);
  });

  it("never throws, whatever a line holds", () => {
    const pieces = fc.constantFrom(
      good,
      '"',
      "\\",
      " ",
      "[",
      "]",
      "\\x2",
      "GET /",
      good.slice(0, 60),
    );
    const lines = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.oneof(pieces, fc.string())).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(lines, (text) => {
        const parsed = parseCombinedLog(text);
        if (parsed.ok) expect(new Date(parsed.line.timeMs).getTime()).not.toBeNaN();
        else expect(parsed.reason).not.toBe("");
      }),
    );
  });

  it("needs linear time for a hostile line", () => {
    const startedMs = performance.now();
    parseCombinedLog(`${good.slice(0, good.indexOf("GET"))}${'\\"'.repeat(200_000)}`);
    parseCombinedLog(`1 - ${"[17/May/2015:10 ".repeat(20_000)}`);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it("gives back what a server wrote", () => {
    const text = fc.string({ unit: "grapheme" }).map((raw) => raw.replace(/[\r\n]/g, " "));
    const word = fc.stringMatching(/^[!-~]{1,20}$/);
    fc.assert(
      fc.property(
        fc.record({
          address: word,
          timeMs: fc.nat(4_000_000_000).map((seconds) => seconds * 1_000),
          request: text,
          status: fc.integer({ min: 100, max: 599 }),
          referrer: text,
          userAgent: text,
        }),
        (line) => {
          const { request, referrer, userAgent, ...rest } = lineOf(write(line));
          expect({
            ...rest,
            request: unescapeLogged(request),
            referrer: unescapeLogged(referrer),
            userAgent: unescapeLogged(userAgent),
          }).toEqual(line);
        },
      ),
    );
  });
});

describe("unescapeLogged", () => {
  it.each([
    ['a\\"b', 'a"b'],
    ["a\\\\b", "a\\b"],
    ["a\\tb\\n", "a\tb\n"],
    ["caf\\xC3\\xA9", "café"],
    ["caf\\xe9!", "caf\uFFFD!"],
    ["a\\\\x41", "a\\x41"],
    ["odd\\", "odd\\"],
  ])("reads %j as %j", (logged, expected) => {
    expect(unescapeLogged(logged)).toBe(expected);
  });
});

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function write({ address, timeMs, request, status, referrer, userAgent }: LogLine): string {
  const time = new Date(timeMs);
  const [date = "", clock = ""] = time.toISOString().slice(0, 19).split("T");
  const [year, , day] = date.split("-");
  const stamp = `${day}/${months[time.getUTCMonth()]}/${year}:${clock} +0000`;
  const quote = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
  const fields = [quote(request), status, 1, quote(referrer), quote(userAgent)];
  return `${address} - - [${stamp}] ${fields.join(" ")}`;
}
