/** Ends every switch over a union: a new member is a compile error, and never passes silently. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
