import type * as z from "zod";
import { inPlainWords } from "./plain-words.ts";
import { type FieldProblem, problems } from "./problem.ts";

/** Messages may quote the caller; an answer stays small whatever was sent. */
const maxDetailLength = 200;
const maxKeysNamed = 10;

/** What is wrong, field by field, in the caller's own names. */
export function fieldProblems(error: z.ZodError, whole = "(body)"): FieldProblem[] {
  return error.issues.flatMap((issue) => {
    const field = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys") {
      const named = issue.keys.slice(0, maxKeysNamed);
      return named.map((key) => ({
        field: field === "" ? key : `${field}.${key}`,
        detail: "is not known here; leave it out, or look for a typing mistake",
      }));
    }
    return { field: field || whole, detail: issue.message.slice(0, maxDetailLength) };
  });
}

/** Whether a caller's value has the schema's shape; if not, in words that say what to change. */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown) {
  return schema.safeParse(value, { error: inPlainWords });
}

/** @param whole what to call the value itself. @returns the value, or throws a 400 problem that says which fields to change. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  whole?: string,
): z.infer<Schema> {
  const result = check(schema, value);
  if (result.success) return result.data;
  const errors = fieldProblems(result.error, whole);
  const first = errors[0];
  throw problems.invalid(
    first ? `${first.field}: ${first.detail}` : "It has the wrong shape.",
    errors,
  );
}
