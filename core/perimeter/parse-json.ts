import { limits } from "../contracts/limits.ts";
import { isShallow } from "../values/is-shallow.ts";
import { problems } from "./problem.ts";

const plainInteger = /^-?(?:0|[1-9]\d*)$/;
const forbiddenKeys = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Parses a request body. Stricter than `JSON.parse`, because money is in it:
 * a number must be written as a plain integer that a double holds exactly (never rounded),
 * and keys that reach an object's prototype are refused.
 * @throws Problem 400 with what to change; 413 over the limit.
 */
export function parseJson(
  text: string,
  maxBytes: number = limits.maxBodyBytes,
  whole: "body" | "message" = "body",
): unknown {
  if (text.length > maxBytes) {
    throw problems.tooLarge(`Send at most ${maxBytes} bytes; split the batch.`);
  }
  if (text.trim() === "") throw problems.invalid(`The ${whole} is empty; send a JSON object.`);
  const value = parseStrictly(text, whole);
  if (isShallow(value, limits.maxJsonDepth)) return value;
  throw nestedTooDeeply(whole);
}

function parseStrictly(text: string, whole: string): unknown {
  try {
    return JSON.parse(
      text,
      reviveStrictly as (this: unknown, key: string, value: unknown) => unknown,
    );
  } catch (error) {
    if (error instanceof StrictJsonError) throw problems.invalid(error.message);
    if (error instanceof RangeError) throw nestedTooDeeply(whole);
    throw problems.invalid(`The ${whole} is not valid JSON.`);
  }
}

const nestedTooDeeply = (whole: string) =>
  problems.invalid(
    `The ${whole} is nested too deeply; ${limits.maxJsonDepth} levels are the most.`,
  );

class StrictJsonError extends Error {}

function reviveStrictly(key: string, value: unknown, context: { source?: string }): unknown {
  if (forbiddenKeys.has(key)) {
    throw new StrictJsonError(`The key ${JSON.stringify(key)} is not allowed.`);
  }
  if (typeof value === "number") {
    const source = context.source ?? "";
    if (!plainInteger.test(source) || !Number.isSafeInteger(value)) {
      throw new StrictJsonError(
        `${key}: ${source.slice(0, 40)} must be a whole number between -(2^53-1) and 2^53-1, ` +
          "written without a fraction or an exponent.",
      );
    }
  }
  return value;
}
