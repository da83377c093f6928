/** The value in a message that names its route, or nothing. */
export type RouteSelection = (message: string) => string | undefined;

/** `$request.body.action`, or the same as `${request.body.action}`. */
export function routeSelection(expression: string): RouteSelection {
  const [, bare, braced] =
    /^(?:\$request\.body\.([\w.-]+)|\$\{request\.body\.([\w.-]+)\})$/.exec(expression) ?? [];
  const path = (bare ?? braced)?.split(".");
  if (path === undefined) throw new Error(`cannot select routes by ${expression}`);
  return (message) => {
    let value: unknown;
    try {
      value = JSON.parse(message);
    } catch {
      return undefined;
    }
    for (const name of path) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) {
        return undefined;
      }
      value = (value as Record<string, unknown>)[name];
    }
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
}
