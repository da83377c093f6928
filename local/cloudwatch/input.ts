import { z } from "zod";
import { AwsError } from "../aws-json-server.ts";

/** Reads a request; what is not understood is an error that names it. */
export function readInput<Schema extends z.ZodType>(
  schema: Schema,
  input: Record<string, unknown>,
): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw invalid(z.prettifyError(result.error).replaceAll("\n", " "));
}

export function invalid(message: string): AwsError {
  return new AwsError("InvalidParameterValueException", `the embedded cloud: ${message}`);
}
