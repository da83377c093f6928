import { describe, expect, test } from "vitest";
import type { AcceptedEngagement } from "../../../core/contracts/events.ts";
import { engagementsAccepted } from "../../../core/contracts/events.ts";
import type { ArticleId, CreatorId, ReaderId } from "../../../core/contracts/ids.ts";
import { type Circumstances, judgeEngagement } from "../../../core/earnings/judge-engagement.ts";
import { poolDayOf, poolPricedFromMs } from "../../../core/earnings/pool-day.ts";
import { readEvent, UnreadableEvent } from "../../../core/messaging/read-event.ts";
import { cutToBytes } from "../../../core/values/text.ts";
import type { UtcDay } from "../../../core/values/time.ts";

const ada = "ada" as CreatorId;
const rules = {
  ...{ maxPerReaderHour: 10, maxPerReaderDay: 20, tokenBurst: 5 },
  isBot: (userAgent: string) => userAgent.includes("bot"),
};
const view: AcceptedEngagement = {
  articleId: "/a" as ArticleId,
  readerId: "r1" as ReaderId,
  kind: "view",
  occurredAtMs: 0,
  channel: "publisher",
};
const usual: Circumstances = {
  terms: { shares: [{ creatorId: ada, basisPoints: 10_000 }] },
  creators: new Map([[ada, { readerIds: ["ada-at-home" as ReaderId] }]]),
  ...{ inHour: 0, inDay: 0, commentsInDay: 0, commentsPerReader: 3, presentations: 0 },
};
const judge = (engagement: Partial<AcceptedEngagement>, around: Partial<Circumstances> = {}) => {
  const { state, reason } = judgeEngagement(
    rules,
    { ...view, ...engagement },
    { ...usual, ...around },
  );
  return reason === undefined ? state : `${state} ${reason}`;
};

describe("judgeEngagement", () => {
  const comment = (moderation: "pending" | "approved" | "rejected") =>
    ({ kind: "comment", comment: { length: "long", moderation } }) as const;

  test.each([
    ["a plain view", {}, {}, "paid"],
    ["a browser", { userAgent: "Mozilla/5.0" }, {}, "paid"],
    ["a known bot", { userAgent: "Googlebot/2.1" }, {}, "void bot"],
    ["the creator, under the own name", { readerId: "ada" as ReaderId }, {}, "void self_view"],
    ["the creator as a reader", { readerId: "ada-at-home" as ReaderId }, {}, "void self_view"],
    ["the last within the hour's limit", {}, { inHour: 9 }, "paid"],
    ["one above the hour's limit", {}, { inHour: 10 }, "held over_rate"],
    ["one above the day's limit", {}, { inDay: 20 }, "held over_rate"],
    ["below the burst", {}, { presentations: 4 }, "paid"],
    ["a burst of one token", {}, { presentations: 5 }, "held token_reuse"],
    ["an approved comment", comment("approved"), {}, "paid"],
    ["a comment nobody looked at", comment("pending"), {}, "held unmoderated"],
    ["a comment without a word on it", { kind: "comment" as const }, {}, "held unmoderated"],
    ["a rejected comment", comment("rejected"), {}, "void comment_rejected"],
    ["a comment too many", comment("approved"), { commentsInDay: 3 }, "void reader_cap"],
    ["a bot over every rate", { userAgent: "bot" }, { inDay: 99 }, "void bot"],
  ] as const)("%s is %s", (_, engagement, around, verdict) => {
    expect(judge(engagement, around)).toBe(verdict);
  });
});

describe("a pool's day", () => {
  const day = "2028-02-29" as UtcDay;
  const noonMs = Date.parse("2028-02-29T12:00:00Z");
  const openMs = 6 * 3_600_000;
  const closesMs = Date.parse("2028-03-01T06:00:00Z");

  test("S3: takes what comes until it closes; what comes later is the current day's", () => {
    expect(poolDayOf(noonMs, closesMs - 1, openMs)).toBe(day);
    expect(poolDayOf(noonMs, closesMs, openMs)).toBe("2028-03-01");
    expect(poolDayOf(noonMs, closesMs + 9 * 86_400_000, openMs)).toBe("2028-03-10");
  });

  test("is priced when nothing that was decided while it was open can still come in", () => {
    // A worker's minute, and two clocks that are five minutes off in opposite directions.
    expect(poolPricedFromMs(day, openMs)).toBeGreaterThanOrEqual(closesMs + 60_000 + 10 * 60_000);
  });
});

describe("events of an older version", () => {
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const { source, detailType } = engagementsAccepted;
  const bodyOf = (detail: unknown) => JSON.stringify({ source, "detail-type": detailType, detail });
  const old = { schemaVersion: 1, traceparent, acceptedAtMs: 5, engagements: [view] };

  test("Q12: version 1 is read as what it says in version 2", () => {
    expect(readEvent(engagementsAccepted, bodyOf(old))).toEqual({ ...old, schemaVersion: 2 });
  });

  test("Q12: what version 1 never had is not guessed, nor is a version to come", () => {
    const tokenId = { ...view, tokenId: "t" };
    for (const detail of [
      { ...old, engagements: [tokenId] },
      { ...old, schemaVersion: 3 },
      { ...old, schemaVersion: 0 },
    ]) {
      expect(() => readEvent(engagementsAccepted, bodyOf(detail))).toThrow(UnreadableEvent);
    }
  });
});

test("a text is cut at whole characters, and holds nothing that a queue refuses", () => {
  expect(cutToBytes("Mozilla", 100)).toBe("Mozilla");
  expect(cutToBytes("ééé", 5)).toBe("éé");
  expect(cutToBytes("a\nb\u{ffff}c", 100)).toBe("a b c");
  expect(cutToBytes("\ud800x", 100)).toBe("\ufffdx");
});
