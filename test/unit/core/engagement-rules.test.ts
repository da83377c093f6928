import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ReaderId } from "../../../core/contracts/ids.ts";
import { limits } from "../../../core/contracts/limits.ts";
import { impressionKeyOf } from "../../../core/earnings/impression-key.ts";
import {
  judgeOccurredAt,
  judgeTokenAge,
  judgeWithinToken,
} from "../../../core/engagements/engagement-window.ts";
import { isSearchReferrer } from "../../../core/engagements/search-engines.ts";
import { dayMs, endOfUtcDayMs, utcDayOf } from "../../../core/values/time.ts";
import { engagements, instants, sha256 } from "./arbitraries.ts";

const keyOf = (engagement: Parameters<typeof impressionKeyOf>[2], publisher = "p1") =>
  impressionKeyOf(sha256, publisher, engagement);

describe("impressionKeyOf", () => {
  test("Q2: the same engagement has the same key, however else it is told", () => {
    fc.assert(
      fc.property(engagements, fc.string(), (engagement, referrer) => {
        const again = { ...engagement, referrer, channel: "token" as const };
        expect(keyOf(again)).toBe(keyOf(engagement));
        expect(keyOf(engagement)).toMatch(/^[0-9a-f]{32}#\d{4}-\d\d-\d\d\/[0-9a-f]{32}$/);
      }),
    );
  });

  test("two engagements share a key only when they share all of its parts", () => {
    fc.assert(
      fc.property(engagements, engagements, (a, b) => {
        const parts = (e: typeof a) => [e.articleId, e.readerId, e.kind, utcDayOf(e.occurredAtMs)];
        const same = JSON.stringify(parts(a)) === JSON.stringify(parts(b));
        expect(keyOf(a) === keyOf(b)).toBe(same);
        expect(keyOf(a, "p1")).not.toBe(keyOf(a, "p2"));
      }),
    );
  });

  test("text that moves from one part to the next is another key", () => {
    fc.assert(
      fc.property(engagements, fc.nat(20), (engagement, at) => {
        const text = `${engagement.articleId}${engagement.readerId}`;
        const moved = {
          ...engagement,
          articleId: text.slice(0, at) as typeof engagement.articleId,
          readerId: text.slice(at) as ReaderId,
        };
        const same = moved.articleId === engagement.articleId;
        expect(keyOf(moved) === keyOf(engagement)).toBe(same);
      }),
    );
  });

  test("S6: a window is a UTC day, from its first to its last millisecond", () => {
    fc.assert(
      fc.property(engagements, (engagement) => {
        const endMs = endOfUtcDayMs(utcDayOf(engagement.occurredAtMs));
        const at = (occurredAtMs: number) => keyOf({ ...engagement, occurredAtMs });
        expect(at(endMs - dayMs)).toBe(keyOf(engagement));
        expect(at(endMs - 1)).toBe(keyOf(engagement));
        expect(at(endMs)).not.toBe(keyOf(engagement));
        expect(at(endMs - dayMs - 1)).not.toBe(keyOf(engagement));
      }),
    );
  });

  test.each([
    ["2028-02-28T23:59:59.999Z", "2028-02-28"],
    ["2028-02-29T00:00:00.000Z", "2028-02-29"],
    ["2028-02-29T23:59:59.999Z", "2028-02-29"],
    ["2028-03-01T00:30:00.000+01:00", "2028-02-29"],
    ["2027-03-01T00:00:00.000Z", "2027-03-01"],
    ["2026-12-31T23:30:00.000-01:00", "2027-01-01"],
  ])("S6: %s lies in %s", (instant, day) => {
    expect(utcDayOf(Date.parse(instant))).toBe(day);
    expect(endOfUtcDayMs(utcDayOf(Date.parse(instant)))).toBe(Date.parse(day) + dayMs);
  });
});

describe("judgeOccurredAt", () => {
  const oldest = { token: limits.maxBrowserAgeMs, publisher: limits.maxPublisherAgeMs };
  const channels = fc.constantFrom("token" as const, "publisher" as const);

  test("accepts from the oldest allowed to five minutes ahead, bounds included, and nothing else", () => {
    fc.assert(
      fc.property(instants, channels, fc.integer({ min: -2, max: 2 }), (nowMs, channel, offMs) => {
        const code = (occurredAtMs: number) => judgeOccurredAt(occurredAtMs, nowMs, channel)?.code;
        const ahead = nowMs + limits.maxAheadMs + offMs;
        expect(code(ahead)).toBe(offMs > 0 ? "too_far_ahead" : undefined);
        const back = nowMs - oldest[channel] + offMs;
        expect(code(back)).toBe(offMs < 0 ? "too_old" : undefined);
      }),
    );
  });

  test("allows browsers 48 hours and publishers 35 days", () => {
    const nowMs = Date.parse("2028-03-01T00:00:00Z");
    expect(judgeOccurredAt(nowMs - 48 * 3_600_000, nowMs, "token")).toBeUndefined();
    expect(judgeOccurredAt(nowMs - 48 * 3_600_000 - 1, nowMs, "token")?.code).toBe("too_old");
    expect(judgeOccurredAt(nowMs - 35 * dayMs, nowMs, "publisher")).toBeUndefined();
    expect(judgeOccurredAt(nowMs - 35 * dayMs - 1, nowMs, "publisher")?.code).toBe("too_old");
  });
});

describe("a view token's time", () => {
  const seconds = instants.map((ms) => Math.floor(ms / 1_000));
  const offs = fc.integer({ min: -2, max: 2 });

  test("S8: an engagement lies between five minutes before its issue and its end, bounds included", () => {
    const lives = fc.integer({ min: 1, max: 7 * 86_400 });
    fc.assert(
      fc.property(seconds, lives, offs, fc.double({ min: 0, max: 1 }), (iat, life, offMs, part) => {
        const token = { iat, exp: iat + life };
        const code = (occurredAtMs: number) => judgeWithinToken(occurredAtMs, token)?.code;
        const [firstMs, lastMs] = [iat * 1_000 - 5 * 60_000, token.exp * 1_000];
        expect(code(firstMs + offMs)).toBe(offMs < 0 ? "before_token" : undefined);
        expect(code(lastMs + offMs)).toBe(offMs > 0 ? "after_token" : undefined);
        if (Number.isNaN(part)) return;
        expect(code(firstMs + Math.floor(part * (lastMs - firstMs)))).toBeUndefined();
      }),
    );
  });

  test("S8: what happens now is within each token that is honoured now", () => {
    const day = 86_400;
    const ages = fc.integer({ min: -day, max: 10 * day });
    fc.assert(
      fc.property(instants, ages, fc.integer({ min: 1, max: 100 * day }), (nowMs, age, life) => {
        const iat = Math.floor(nowMs / 1_000) - age;
        const token = { iat, exp: iat + life };
        fc.pre(token.exp * 1_000 > nowMs && !judgeTokenAge(token, nowMs));
        expect(judgeWithinToken(nowMs, token)).toBeUndefined();
      }),
    );
  });

  test("S8: a token is honoured for a week, and from five minutes before its issue on", () => {
    fc.assert(
      fc.property(seconds, offs, (iat, offMs) => {
        const code = (afterIssueMs: number) =>
          judgeTokenAge({ iat }, iat * 1_000 + afterIssueMs)?.code;
        expect(code(-5 * 60_000 + offMs)).toBe(offMs < 0 ? "token_invalid" : undefined);
        expect(code(7 * dayMs + offMs)).toBe(offMs < 0 ? undefined : "token_expired");
      }),
    );
  });
});

describe("isSearchReferrer", () => {
  test.each([
    "https://www.google.com/",
    "https://google.com/search?q=x",
    "http://www.google.co.uk/url?sa=t",
    "https://images.google.de/",
    "https://www.bing.com/search?q=x",
    "https://duckduckgo.com/",
    "https://search.yahoo.co.jp/",
    "https://WWW.GOOGLE.COM/",
    "https://www.google.com./",
    "https://www.google.com:443/",
  ])("%s is a search", (referrer) => expect(isSearchReferrer(referrer)).toBe(true));

  test.each([
    "https://google.com.evil.example/",
    "https://mail.google.com/",
    "https://docs.google.com/",
    "https://evilgoogle.com/",
    "https://google.com@evil.example/",
    "https://evil.example/?r=https://www.google.com/",
    "https://www.www.google.com/",
    "android-app://www.google.com/",
    "ftp://google.com/",
    "javascript:google.com",
    "google.com",
    "//google.com/",
    "-",
    "",
  ])("%s is none", (referrer) => expect(isSearchReferrer(referrer)).toBe(false));

  test("a search engine's name within another host is none, and nothing makes it throw", () => {
    fc.assert(
      fc.property(fc.domain(), fc.constantFrom("google.com", "bing.com"), (domain, engine) => {
        expect(isSearchReferrer(`https://${engine}.${domain}/`)).toBe(false);
        expect(isSearchReferrer(`https://x.${engine}/`)).toBe(false);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void isSearchReferrer(text)));
  });
});
