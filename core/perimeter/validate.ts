import type * as z from "zod";
import { type FieldProblem, problems } from "./problem.ts";

/** Messages may quote the caller; an answer stays small whatever was sent. */
const maxDetailLength = 200;

/** What is wrong, field by field, in the caller's own names. */
export function fieldProblems(error: z.ZodError, whole = "(body)"): FieldProblem[] {
  return error.issues.map((issue) => ({
    field: issue.path.map(String).join(".") || whole,
    detail: issue.message.slice(0, maxDetailLength),
  }));
}

/** @param whole what to call the value itself. @returns the value, or throws a 400 problem that says which fields to change. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  whole?: string,
): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = fieldProblems(result.error, whole);
  const first = errors[0];
  throw problems.invalid(
    first ? `${first.field}: ${first.detail}` : "It has the wrong shape.",
    errors,
  );
}
