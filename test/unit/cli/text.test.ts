import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { age, amountOf, choiceOf, money, table, wrapped } from "../../../cli/text.ts";

test("a table stands below its titles, numbers by their last digit; without rows it is nothing", () => {
  const columns = [{ title: "queue" }, { title: "waiting", right: true }];
  expect(
    table(columns, [
      ["a", "1"],
      ["longer", "1,000"],
    ]),
  ).toEqual(["queue   waiting", "a             1", "longer    1,000"]);
  expect(table(columns, [])).toEqual([]);
});

test("amounts have the number of their noun", () => {
  expect([amountOf(0, "letter"), amountOf(1n, "letter")]).toEqual(["0 letters", "1 letter"]);
  expect(amountOf(1_200, "entry", "entries")).toBe("1,200 entries");
});

test.each([
  [372_000n, undefined, "$0.372000"],
  [1n, "USD", "$0.000001"],
  [-1_234_567_890_123n, undefined, "-$1,234,567.890123"],
  [123_456_789_012_345_678_901_234_567n, undefined, "$123,456,789,012,345,678,901.234567"],
  [0n, undefined, "$0.000000"],
  [5_000_000n, "EUR", "€5.000000"],
])("%i micros (%s) are %s", (micros, currency, text) => {
  expect(money(micros, currency)).toBe(text);
});

test("choices are listed as they are said", () => {
  expect(choiceOf(["creator", "publisher", "admin"])).toBe("creator, publisher or admin");
});

test.each([
  [-5_000, "0 s"],
  [119_000, "119 s"],
  [120_000, "2 min"],
  [7_200_000, "2 h"],
  [172_800_000, "2 d"],
])("%i ms are %s", (ms, expected) => expect(age(ms)).toBe(expected));

describe("wrapped", () => {
  test("keeps every word, and no line is too long that could be shorter", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 40 }), (all, width) => {
        const lines = wrapped(all.join(" "), width);
        expect(lines.join(" ")).toBe(all.join(" "));
        for (const line of lines) expect(line.length <= width || !line.includes(" ")).toBe(true);
      }),
    );
  });
});
