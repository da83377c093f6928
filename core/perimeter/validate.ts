import type * as z from "zod";
import { type FieldProblem, problems } from "./problem.ts";

/** What is wrong, field by field, in the caller's own names. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.map((issue) => ({
    field: issue.path.map(String).join(".") || "(body)",
    detail: issue.message,
  }));
}

/** The value, or a 400 problem that says which fields to change. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = fieldProblems(result.error);
  const first = errors[0];
  throw problems.invalid(
    first ? `${first.field}: ${first.detail}` : "It has the wrong shape.",
    errors,
  );
}
