import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../../core/contracts/limits.ts";
import { putRateCardSchema } from "../../../core/contracts/registry-bodies.ts";
import { parseJson } from "../../../core/perimeter/parse-json.ts";
import { Problem } from "../../../core/perimeter/problem.ts";
import { validate } from "../../../core/perimeter/validate.ts";

function statusOf(parse: () => unknown): number {
  try {
    parse();
  } catch (error) {
    if (error instanceof Problem) return error.status;
    throw error;
  }
  return 200;
}

/** JSON whose numbers are whole and safe, and whose keys are harmless. */
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.stringMatching(/^[a-z]{1,6}$/).filter((key) => key !== "constructor"),
      tie("value"),
    ),
  ),
})).value;

describe("parseJson", () => {
  test("reads what JSON.stringify wrote", () => {
    fc.assert(
      fc.property(plain, (value) => {
        // As text: dictionaries here may come without a prototype.
        expect(JSON.stringify(parseJson(JSON.stringify(value)))).toBe(JSON.stringify(value));
      }),
    );
  });

  test("never fails in another way than with a problem", () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string().map((text) => `{"a":${text}}`),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect([200, 400]).toContain(statusOf(() => parseJson(text)));
      }),
    );
  });

  test.each([
    "",
    "   ",
    "{",
    "{'a':1}",
    "[1,]",
    "undefined",
    "nan",
    '{"a":01}',
    "\u0000",
    "\ufffd{}",
  ])("I1: %j is malformed: 400", (text) => expect(statusOf(() => parseJson(text))).toBe(400));

  test.each(["1e400", "0.1", "1e3", "-0.0", "9007199254740993", "-9007199254740992", "1E2"])(
    "I2: %s is no whole number that a double holds: 400, at any depth",
    (number) => {
      for (const text of [number, `{"a":[{"b":${number}}]}`]) {
        expect(statusOf(() => parseJson(text))).toBe(400);
      }
    },
  );

  test.each(["1e400", "-1", "0.1", '"5"', "9007199254740993", "1000000001", "null", "[1]"])(
    "I2: %s where micros are due: 400, never rounded",
    (price) => {
      const body = (view: string) =>
        `{"currency":"USD","micros":{"view":${view},"read":1,"reaction":1,"comment":1,"search_visit":1}}`;
      const put = (view: string) => () => validate(putRateCardSchema, parseJson(body(view)));
      expect(statusOf(put(price))).toBe(400);
      expect(statusOf(put("5"))).toBe(200);
    },
  );

  test.each([
    ["[", "]"],
    ['{"a":', "}"],
  ])("I3: %s nested too deep: 400, whatever takes it apart", (open, close) => {
    const nested = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
    expect(statusOf(() => parseJson(nested(limits.maxJsonDepth)))).toBe(200);
    // Parsers manage more than what validates and sorts it: that must not be what fails.
    for (const depth of [limits.maxJsonDepth + 1, 1_500, 2_000, 10_000, 100_000]) {
      expect(statusOf(() => parseJson(nested(depth)))).toBe(400);
      expect(statusOf(() => parseJson(open.repeat(depth)))).toBe(400);
    }
  });

  test("I3: over the limit: 413; at the limit: read", () => {
    const ofBytes = (bytes: number) => `"${"a".repeat(bytes - 2)}"`;
    expect(statusOf(() => parseJson(ofBytes(limits.maxBodyBytes)))).toBe(200);
    expect(statusOf(() => parseJson(ofBytes(limits.maxBodyBytes + 1)))).toBe(413);
  });

  test.each(["__proto__", "constructor", "prototype", "\\u005f_proto__"])(
    "I4: the key %s: 400, and prototypes stay as they are",
    (key) => {
      for (const text of [`{"${key}":{"polluted":1}}`, `{"a":[{"${key}":{"polluted":1}}]}`]) {
        expect(statusOf(() => parseJson(text))).toBe(400);
      }
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    },
  );
});
