import { describe, expect, test } from "vitest";
import {
  type Books,
  createOracle,
  type Earned,
  type Engagement,
  type Kind,
} from "../../gameday/oracle.ts";

const prices = { view: 1_000n, read: 3_000n, reaction: 500n };
const articles = [
  { articleId: "shared", shares: { ada: 70, bob: 30 } },
  { articleId: "load-test", shares: { nobody: 100 } },
];
const engagement = (readerId: string, kind: Kind = "view", articleId = "shared"): Engagement => ({
  ...{ articleId, readerId, kind, occurredAt: "2026-01-31T12:00:00Z" },
});

/** Two views, a read, one that was refused, and one of a load test that was discarded. */
function oracleOfADay() {
  const oracle = createOracle(articles, prices, ["unknown_article"]);
  const good = [engagement("a"), engagement("b"), engagement("b", "read")];
  const test = engagement("robot", "view", "load-test");
  const bad = engagement("c", "view", "no such article");
  for (const one of [...good, test, bad]) oracle.sending(one);
  for (const one of [...good, test]) oracle.accepted(one);
  oracle.refused(bad, "unknown_article");
  oracle.discarded("load-test");
  return oracle;
}

const earned = (creatorId: string, micros: bigint, view = 2): Earned => ({
  ...{ creatorId, articleId: "shared", counts: { view, read: 1, reaction: 0 }, micros },
});
const books = (changes: Partial<Books> = {}): Books => ({
  earned: [earned("ada", 3_500n), earned("bob", 1_500n)],
  ...{ counted: 3, rejected: 0, open: 0, discarded: 1 },
  ...changes,
});

describe("the oracle of a game day", () => {
  test("finds nothing wrong when all that was accepted is accounted for once", () => {
    const oracle = oracleOfADay();
    expect(oracle.judge(books())).toEqual([]);
    expect(oracle.totals).toEqual({ sent: 5, accepted: 4, refused: 1, discarded: 1 });
  });

  test("does not mind what was sent again, whatever that was told", () => {
    const oracle = oracleOfADay();
    oracle.sending(engagement("a"));
    oracle.accepted(engagement("a"));
    oracle.refused(engagement("a"), "unknown_article");
    expect(oracle.judge(books())).toEqual([]);
  });

  test("names what is lost", () => {
    const lost = [earned("ada", 2_800n, 1), earned("bob", 1_200n, 1)];
    expect(oracleOfADay().judge(books({ earned: lost, counted: 2 }))).toEqual([
      "shared (ada): view: 1 LOST, of 2 that were accepted",
      "shared (ada): 3500 micros are due, 2800 were earned",
      "shared (bob): view: 1 LOST, of 2 that were accepted",
      "shared (bob): 1500 micros are due, 1200 were earned",
      expect.stringContaining("4 were accepted, but 2 counted"),
    ]);
  });

  test("names what was counted twice", () => {
    const doubled = [earned("ada", 4_200n, 3), earned("bob", 1_800n, 3)];
    expect(oracleOfADay().judge(books({ earned: doubled, counted: 4 }))).toEqual([
      "shared (ada): view: 1 counted TOO MUCH, of 2 that were accepted",
      "shared (ada): 3500 micros are due, 4200 were earned",
      "shared (bob): view: 1 counted TOO MUCH, of 2 that were accepted",
      "shared (bob): 1500 micros are due, 1800 were earned",
      expect.stringContaining("4 were accepted, but 4 counted"),
    ]);
  });

  test("is not content with one lost and another one counted twice, nor with a wrong price", () => {
    const mixed = [earned("ada", 3_500n), { ...earned("bob", 1_500n), articleId: "load-test" }];
    expect(oracleOfADay().judge(books({ earned: mixed }))).not.toEqual([]);
    const cheap = [earned("ada", 3_499n), earned("bob", 1_500n)];
    expect(oracleOfADay().judge(books({ earned: cheap }))).toEqual([
      "shared (ada): 3500 micros are due, 3499 were earned",
    ]);
  });

  test("names what has no answer, was refused without a reason, or waits in a dead letter", () => {
    const oracle = oracleOfADay();
    oracle.sending(engagement("d"));
    oracle.sending(engagement("e"));
    oracle.refused(engagement("e"), "invalid");
    expect(oracle.judge(books({ open: 1 }))).toEqual([
      "shared d view has no answer",
      "1 refused that are in order: invalid",
      expect.stringContaining("1 in dead letters"),
      "nobody has seen to 1 dead letters",
    ]);
  });
});
