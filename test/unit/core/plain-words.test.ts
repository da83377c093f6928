import { describe, expect, test } from "vitest";
import * as z from "zod";
import { payoutResultSchema } from "../../../core/contracts/money-bodies.ts";
import { check } from "../../../core/perimeter/validate.ts";

const wordsOf = (schema: z.ZodType, value: unknown) =>
  check(schema, value).error?.issues.map(({ message }) => message);

describe("a value of the wrong shape is told in plain words", () => {
  test.each([
    [z.string(), undefined, "is required"],
    [z.string(), 5, "must be text"],
    [z.int(), "5", "must be a number"],
    [z.array(z.string()), {}, "must be a list"],
    [z.strictObject({}), [], "must be an object"],
    [z.enum(["view", "read"]), "look", "must be view or read"],
    [z.literal(true), false, "must be true"],
    [z.int().min(3), 2, "must be at least 3"],
    [z.number().positive(), 0, "must be more than 0"],
    [z.string().max(2), "abc", "must have at most 2 characters"],
    [z.array(z.string()).min(1), [], "must have at least 1 item"],
    [z.iso.date(), "today", "must be a day such as 2026-11-25"],
    [z.url(), "here", "must be a URL"],
    [z.string().regex(/^[a-z]$/), "A", "must be like /^[a-z]$/"],
    [payoutResultSchema, { status: "lost" }, "must be paid or failed"],
  ])("%# %s", (schema, value, words) => {
    expect(wordsOf(schema, value)).toEqual([words]);
  });

  test("a schema's own words come first", () => {
    expect(wordsOf(z.int("must be whole micros"), "5")).toEqual(["must be whole micros"]);
  });
});
