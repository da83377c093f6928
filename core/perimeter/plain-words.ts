import type * as z from "zod";

type Issue = z.core.$ZodRawIssue;

/** What is wrong with a value that a schema has no words of its own for; undefined: zod's words. */
export function inPlainWords(issue: Issue): string | undefined {
  if (issue.input === undefined) return "is required";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be ${issue.values.map(String).join(" or ")}`;
    case "too_small": {
      const { minimum, inclusive = true, origin } = issue;
      return `must ${inclusive ? `${have(origin)} at least` : "be more than"} ${amount(minimum, origin)}`;
    }
    case "too_big": {
      const { maximum, inclusive = true, origin } = issue;
      return `must ${inclusive ? `${have(origin)} at most` : "be less than"} ${amount(maximum, origin)}`;
    }
    case "invalid_format":
      return (
        formats[issue.format] ??
        `must be ${issue.pattern ? `like ${issue.pattern}` : `a valid ${issue.format}`}`
      );
    default:
      return undefined;
  }
}

const kinds: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "text",
};

const formats: Readonly<Record<string, string>> = {
  date: "must be a day such as 2026-11-25",
  datetime: "must be a time such as 2026-11-25T18:00:00Z",
  url: "must be a URL",
  email: "must be an e-mail address",
};

const units: Readonly<Record<string, readonly [one: string, more: string]>> = {
  array: ["item", "items"],
  map: ["entry", "entries"],
  set: ["item", "items"],
  string: ["character", "characters"],
};

const have = (origin: string) => (origin in units ? "have" : "be");

function amount(count: number | bigint, origin: string): string {
  const [one, more] = units[origin] ?? [];
  if (one === undefined) return String(count);
  return `${count} ${BigInt(count) === 1n ? one : more}`;
}
