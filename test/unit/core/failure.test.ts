import fc from "fast-check";
import { expect, test } from "vitest";
import { causeOf, normalise } from "../../../core/dead-letters/failure.ts";
import { Problem } from "../../../core/perimeter/problem.ts";

test("failures of one kind have one cause, whatever they are about", () => {
  const of = (id: string, count: number) =>
    causeOf(new RangeError(`no creator "${id}" in row ${count}, see https://x.test/${id}`));
  expect(of("ada", 1)).toEqual(of("bob", 27));
  expect(of("ada", 1)).toEqual({
    errorClass: "RangeError",
    message: "no creator … in row #, see …",
  });
  expect(normalise("job 3f0c1e22-7a55-4e0c-9d5b-0a1b2c3d4e5f\n\tof ada@example.org is gone")).toBe(
    "job # of … is gone",
  );
});

test("a problem is told by its status and code, and what is no error by its type", () => {
  const problem = new Problem(503, "unavailable", "Try again", "The bus takes nothing.");
  expect(causeOf(problem)).toEqual({
    errorClass: "Problem 503 unavailable",
    message: "Try again",
  });
  expect(causeOf("out of paper")).toEqual({ errorClass: "string", message: "out of paper" });
});

test("no quotation, number or address is left, and it stays short", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 2_000 }), (text) => {
      const message = normalise(text);
      expect(message).not.toMatch(/\d|"[^"]*"|\S@\S/);
      expect(new TextEncoder().encode(message).length).toBeLessThanOrEqual(300);
    }),
  );
});
