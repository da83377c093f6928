import { describe, expect, it } from "vitest";
import type { ImportResult } from "../../../scripts/import-log/import-log.ts";
import { progressOn } from "../../../scripts/import-log/progress.ts";
import type { Proof } from "../../../scripts/import-log/read-account.ts";
import { newReadTotals } from "../../../scripts/import-log/read-visits.ts";
import { failureOf, report } from "../../../scripts/import-log/report.ts";
import { tally } from "../../../scripts/import-log/tally.ts";

const proof: Proof = {
  ok: true,
  quiet: true,
  counted: { engagements: 3n, micros: 3_500n },
  rejected: { engagements: 0n },
  counters: { pendingMicros: 3_500n },
  ledger: { entries: 0, micros: 0n },
  differences: [],
};

function resultOf(changes: Partial<ImportResult> = {}): ImportResult {
  const articles = Array.from({ length: 25 }, (_, index) => ({
    creatorId: index === 0 ? "other" : "blog",
    articleId: `/blog/${index}`,
    views: 1_000 + index,
    searchVisits: 2,
    micros: BigInt(1_000_000 + index),
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
    distinct: { count: 9, exact: true },
    proofs: { before: { ...proof, counted: { engagements: 1n, micros: 0n } }, after: proof },
    tookMs: 1_500,
    ...changes,
  };
}

describe("report", () => {
  it("lists creators and articles by what they earned, the first 20 or all", () => {
    const short = report(resultOf(), { all: false });
    expect(short).toMatch(/blog +24,300 +48 +24,000,300/);
    expect(short.indexOf("/blog/24 ")).toBeLessThan(short.indexOf("/blog/23 "));
    expect(short).not.toContain("/blog/3 ");
    expect(short).toContain("and 5 more");
    expect(report(resultOf(), { all: true })).toContain("/blog/3 ");
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

  it("prints the proof with every difference", () => {
    const differences = [{ what: "account differs from its entries", creatorId: "blog" }];
    const result = resultOf({
      proofs: { before: proof, after: { ...proof, ok: false, differences } },
    });
    const text = report(result, { all: false });
    expect(text).toContain("NOT OK");
    expect(text).toContain(JSON.stringify(differences[0]));
    expect(failureOf(result)).toContain("proof");
    expect(report(resultOf({ proofs: undefined }), { all: false })).toContain("--admin-token");
  });

  it("calls nothing a failure that is none", () => {
    expect(failureOf(resultOf())).toBeUndefined();
    expect(failureOf(resultOf({ proofs: undefined }))).toBeUndefined();
    expect(failureOf(resultOf({ waited: { articles: [], missing: 2 } }))).toContain("2 accepted");
    const cutShort = { ...newReadTotals(), cutShort: true };
    expect(failureOf(resultOf({ read: cutShort }))).toContain("damaged");
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
