import { describe, expect, it } from "vitest";
import { importAsJson } from "../../../cli/import-log/import-as-json.ts";
import type { ImportResult } from "../../../cli/import-log/import-log.ts";
import { progressOn } from "../../../cli/import-log/progress.ts";
import { newReadTotals, type ReadTotals } from "../../../cli/import-log/read-visits.ts";
import { failureOf, report } from "../../../cli/import-log/report.ts";
import { tally } from "../../../cli/import-log/tally.ts";
import type { Proof } from "../../../cli/proof/read-proof.ts";

const proof: Proof = {
  ok: true,
  asOf: "2026-01-02T03:04:05.000Z",
  currency: "USD",
  quiet: true,
  counted: { engagements: 3n, micros: 3_500n, voidedMicros: 0n },
  rejected: { engagements: 0n },
  counters: { pendingMicros: 3_500n, pendingHeldMicros: 0n },
  ledger: {
    ...{ entries: 0, payableMicros: 0n, heldMicros: 0n, inPayoutMicros: 0n },
    ...{ paidOutMicros: 0n, adjustedMicros: 0n, feeMicros: 0n },
  },
  creators: 1,
  canary: { engagements: 0n, micros: 0n, entries: 0 },
  differences: [],
};

function resultOf(changes: Partial<ImportResult> = {}): ImportResult {
  const articles = Array.from({ length: 25 }, (_, index) => ({
    creatorId: index === 0 ? "other" : "blog",
    articleId: `/blog/${index}`,
    views: 1_000 + index,
    searchVisits: 2,
    earning: 1_002 + index,
    held: { over_rate: 3 },
    void: { bot: 5, self_view: 1 },
    paidMicros: BigInt(1_000_000 + index),
    heldMicros: 100n,
  }));
  return {
    read: { ...newReadTotals(), lines: 1_234, visits: 9 },
    sent: {
      offered: 9,
      accepted: 9,
      newArticles: 25,
      refused: tally(),
      refusedArticles: tally(),
    },
    waited: { articles, missing: 0 },
    rebase: { shiftMs: 2 * 86_400_000, onto: "2026-01-02" },
    distinct: { count: 9, byBots: 4, exact: true },
    proofs: { before: { ...proof, counted: { ...proof.counted, engagements: 1n } }, after: proof },
    tookMs: 1_500,
    ...changes,
  };
}

describe("report", () => {
  it("lists creators and articles by what they earned, the first 20 or all", () => {
    const short = report(resultOf(), { all: false });
    expect(short).toMatch(/blog +24,300 +48 +72 +144 +\$24\.000300 +\$0\.002400/);
    expect(short.indexOf("/blog/24 ")).toBeLessThan(short.indexOf("/blog/23 "));
    expect(short).not.toContain("/blog/3 ");
    expect(short).toContain("and 5 more");
    expect(report(resultOf(), { all: true })).toContain("/blog/3 ");
  });

  it("says what became of engagements, by reason, with its part of all", () => {
    const text = report(resultOf(), { all: false });
    expect(text).toMatch(/different ones +9 .*, of these by known bots 4/);
    expect(text).toMatch(/newly counted +2\n +duplicates +7\n/);
    // 25 articles of 1,002 and more that earn, 3 of them held, and 6 void.
    expect(text).toMatch(/paid +25,275 +99\.1 %/);
    expect(text).toMatch(/held, over_rate +75 +0\.3 %/);
    expect(text).toMatch(/void, bot +125 +0\.5 %/);
    expect(text).toMatch(/void, self_view +25 +0\.1 %/);
    expect(text).toMatch(/all +25,500 +100\.0 %/);
    expect(text).toMatch(/payable +\$25\.000300\n +held +\$0\.002500/);
    expect(text).not.toContain("several creators");
  });

  it("says so where several creators share an article", () => {
    const [first] = resultOf().waited.articles;
    if (!first) throw new Error("there are articles");
    const articles = [first, { ...first, creatorId: "another" }];
    const text = report(resultOf({ waited: { articles, missing: 0 } }), { all: false });
    expect(text).toContain("What several creators share is counted for each of them.");
    expect(text).toMatch(/articles +1,/);
  });

  it("knows duplicates within the log alone when it may not see the proof", () => {
    const { sent } = resultOf();
    const text = report(resultOf({ proofs: undefined, sent: { ...sent, accepted: 12 } }), {
      all: false,
    });
    expect(text).toMatch(/duplicates +3 within this log/);
    expect(text).not.toContain("newly counted");
  });

  it("counts what stands still neither as new nor as a duplicate", () => {
    const { waited } = resultOf();
    const result = resultOf({ waited: { ...waited, missing: 3 } });
    expect(report(result, { all: false })).toMatch(/newly counted +2\n +duplicates +4\n/);
  });

  it("says what was left out and why, in both ways of refusing as one", () => {
    const [refusedHere, refusedThere, refusedArticles] = [tally(), tally(), tally()];
    refusedHere.add("too_old: x");
    refusedThere.add("too_old: x");
    refusedArticles.add("400, no", "/bad");
    const { read, sent } = resultOf();
    const text = report(
      resultOf({
        read: {
          ...read,
          refused: refusedHere,
          skipped: { ...read.skipped, bot: 7 },
          broken: [{ number: 5, reason: "odd" }],
          brokenCount: 3,
        },
        sent: { ...sent, refused: refusedThere, refusedArticles },
      }),
      { all: false },
    );
    expect(text).toMatch(/a bot, by its user agent +7/);
    expect(text).toMatch(/refused, too_old: x +2/);
    expect(text).toMatch(/article refused, 400, no \(\/bad\) +1/);
    expect(text).toContain("line 5: odd\n  and 2 more");
    expect(text).toContain("--rebase moves");
    expect(text).not.toContain("not a GET");
  });

  it("fails when nothing was imported, and says in days what to do", () => {
    const { read, sent } = resultOf();
    const nothing = { ...sent, offered: 0, accepted: 0, newArticles: 0 };
    const dayMs = 86_400_000;
    const old = {
      ...read,
      lines: 6_000,
      tooOldMs: { least: 4_200.9 * dayMs, most: 4_203 * dayMs },
    };
    const failure = (changes: Partial<ImportResult>) =>
      failureOf(resultOf({ sent: nothing, rebase: undefined, ...changes }));
    expect(failure({ read: old })).toBe(
      "0 of 6,000 requests were imported: the log's are 4,200 to 4,203 days old, the API takes " +
        "engagements at most 35 days old; run again with --rebase to move them to yesterday",
    );
    expect(failure({ read: old, rebase: resultOf().rebase })).toContain("--rebase-to a later day");
    const skipped = { ...read.skipped, bot: 7, method: 9, excluded: 1, status: 2 };
    expect(failure({ read: { ...read, lines: 19, skipped } })).toBe(
      "0 of 19 requests were imported: 9 not a GET; 7 a bot, by its user agent; " +
        "2 status other than 200",
    );
    expect(failure({ read: { ...read, lines: 0 } })).toBeUndefined();
    expect(failureOf(resultOf({ read: old }))).toBeUndefined();
  });

  it("is the same for programs: every article, money in micros, reasons and the proof", () => {
    const value = JSON.parse(importAsJson(resultOf(), "why"));
    expect(value).toMatchObject({
      ...{ ok: false, failure: "why", newlyCounted: "2", missing: 0 },
      read: { lines: 1_234, visits: 9, broken: { count: 0, first: [] } },
      held: { over_rate: 75 },
      void: { bot: 125, self_view: 25 },
      rebase: { days: 2, onto: "2026-01-02" },
      proof: { ok: true, counted: { micros: "3500" } },
    });
    expect(value.creators[0]).toEqual({
      ...{ creatorId: "blog", views: 24_300, searchVisits: 48, held: 72, void: 144 },
      ...{ paidMicros: "24000300", heldMicros: "2400" },
    });
    expect(value.articles).toHaveLength(25);
    expect(JSON.parse(importAsJson(resultOf(), undefined)).ok).toBe(true);
  });

  it("does not take the canary's views for imported ones", () => {
    const after = {
      ...proof,
      counted: { ...proof.counted, engagements: 5n },
      canary: { engagements: 2n, micros: 0n, entries: 1 },
    };
    const { proofs } = resultOf();
    const text = report(resultOf({ proofs: proofs && { ...proofs, after } }), { all: false });
    expect(text).toMatch(/newly counted +2\n/);
    expect(text).toMatch(/counted +3 engagements/);
  });

  it("prints the proof with every difference", () => {
    const what = 'the account\'s "earned" differs from its entries';
    const differences = [{ what, creatorId: "blog", expected: 3n, actual: 4n }];
    const result = resultOf({
      proofs: { before: proof, after: { ...proof, ok: false, differences } },
    });
    const text = report(result, { all: false });
    expect(text).toContain("It does not add up");
    expect(text).toContain(`creator "blog": ${what}; expected 3, found 4, 1 too much`);
    expect(report(resultOf(), { all: false })).toContain("Everything adds up.");
    expect(failureOf(result)).toContain("proof");
    expect(report(resultOf({ proofs: undefined }), { all: false })).toContain("--admin-token");
  });

  it("calls nothing a failure that is none", () => {
    expect(failureOf(resultOf())).toBeUndefined();
    expect(failureOf(resultOf({ proofs: undefined }))).toBeUndefined();
    expect(failureOf(resultOf({ waited: { articles: [], missing: 2 } }))).toContain("2 accepted");
    expect(failureOf(resultOf({ read: newReadTotals() }))).toBeUndefined();
    const cutShort = { ...newReadTotals(), cutShort: true };
    expect(failureOf(resultOf({ read: cutShort }))).toContain("damaged");
  });
});

describe("a log of which no line fits", () => {
  const junk = (lines: number, more: Partial<ReadTotals> = {}) =>
    failureOf(
      resultOf({
        read: {
          ...newReadTotals(),
          ...{ lines, brokenCount: lines, broken: [{ number: 3, reason: "is odd" }] },
          ...more,
        },
      }),
    );

  it("is a failure that names the first of them", () => {
    expect(junk(1_200)).toBe("no line of 1,200 is in combined log format; line 3 is odd");
    expect(junk(1)).toContain("no line of 1 is");
  });

  it("is none as soon as one line fits", () => {
    expect(junk(1_200, { brokenCount: 1_199 })).toBeUndefined();
  });

  it("is told from one that is damaged before its first line", () => {
    expect(junk(1, { cutShort: true })).toBe("the log is damaged and was not read to its end");
    expect(junk(2, { cutShort: true })).toMatch(/^no line of 1 .*damaged/);
  });
});

describe("progressOn", () => {
  function terminal(isTTY: boolean) {
    const written: string[] = [];
    return { isTTY, columns: 60, written, write: (text: string) => written.push(text) };
  }

  it("draws a bar over itself on a terminal, no wider than it", () => {
    const screen = terminal(true);
    let nowMs = 0;
    const progress = progressOn(screen, () => nowMs);
    progress.show("sending", "1 MB", 0.1);
    progress.show("sending", "2 MB", 0.2);
    nowMs = 200;
    progress.show("sending", `5 MB ${"x".repeat(80)}`, 0.5);
    progress.end();
    expect(screen.written).toHaveLength(3);
    expect(screen.written[1]).toContain("50 %");
    for (const text of screen.written) expect(text).not.toContain("\n");
    expect(screen.written[1]?.replace("\r\x1b[2K", "").length).toBeLessThan(60);
  });

  it("writes few plain lines elsewhere", () => {
    const file = terminal(false);
    let nowMs = 0;
    const progress = progressOn(file, () => nowMs);
    for (; nowMs <= 25_000; nowMs += 100) progress.show("sending", "1 MB", 0.1);
    progress.end();
    expect(file.written).toEqual(["sending\n", "sending 10 % 1 MB\n", "sending 10 % 1 MB\n"]);
  });
});
