import { z } from "zod";
import { describe, type Resource } from "./resources.ts";

/** Templates write numbers and booleans also as strings. */
export const number = z.coerce.number();
export const boolean = z.union([z.boolean(), z.enum(["true", "false"])]).transform((value) => {
  return value === true || value === "true";
});

/**
 * Reads a resource's properties: `used` are run, `ignored` mean nothing on one machine.
 * Anything else is an error, so that no setting of the application is dropped in silence.
 */
export function readProperties<Shape extends z.ZodRawShape>(
  resource: Resource,
  used: Shape,
  ignored: readonly string[] = [],
) {
  const rest = Object.fromEntries(ignored.map((name) => [name, z.unknown().optional()]));
  const known = z.strictObject(rest).extend(used);
  const result = known.safeParse(resource.properties);
  if (!result.success) {
    const problems = z.prettifyError(result.error).replaceAll("\n", " ");
    throw new Error(`the embedded cloud cannot run ${describe(resource)}: ${problems}`);
  }
  return result.data as unknown as z.infer<z.ZodObject<Shape>>;
}
