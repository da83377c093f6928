export interface RouteMatch<Route> {
  readonly route: Route;
  readonly pathParameters: Readonly<Record<string, string>> | undefined;
}

export interface KeyedRoute {
  /** `GET /v1/things/{id}`, `ANY /v1/{rest+}` or `$default`. */
  readonly routeKey: string;
}

interface Compiled<Route> {
  readonly route: Route;
  readonly method: string;
  readonly segments: readonly string[];
  readonly greedy: boolean;
  /** Ranks routes as HTTP APIs do: a full match first, then variables, then greedy ones. */
  readonly rank: readonly number[];
}

/** Finds the route of a request by its method and URL-decoded path. */
export function compileRoutes<Route extends KeyedRoute>(routes: readonly Route[]) {
  const fallback = routes.find(({ routeKey }) => routeKey === "$default");
  const compiled = routes
    .filter((route) => route !== fallback)
    .map(compile)
    .sort((left, right) => compareRanks(left.rank, right.rank));
  return (method: string, path: string): RouteMatch<Route> | undefined => {
    const segments = path.split("/");
    for (const candidate of compiled) {
      if (candidate.method !== "ANY" && candidate.method !== method) continue;
      const pathParameters = match(candidate, segments);
      if (pathParameters !== undefined) {
        const some = Object.keys(pathParameters).length > 0;
        return { route: candidate.route, pathParameters: some ? pathParameters : undefined };
      }
    }
    return fallback && { route: fallback, pathParameters: undefined };
  };
}

function compile<Route extends KeyedRoute>(route: Route): Compiled<Route> {
  const [method = "", path = ""] = route.routeKey.split(" ");
  const segments = path.split("/");
  const greedy = segments.at(-1)?.endsWith("+}") ?? false;
  const rank = segments.map((segment) => {
    if (!isVariable(segment)) return 0;
    return segment.endsWith("+}") ? 2 : 1;
  });
  // Beside an equal path, the route of one method goes before ANY.
  return { route, method, segments, greedy, rank: [...rank, method === "ANY" ? 1 : 0] };
}

function compareRanks(left: readonly number[], right: readonly number[]): number {
  const length = Math.max(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function isVariable(segment: string): boolean {
  return segment.startsWith("{") && segment.endsWith("}");
}

function match(
  { segments, greedy }: Compiled<unknown>,
  actual: readonly string[],
): Record<string, string> | undefined {
  if (greedy ? actual.length < segments.length : actual.length !== segments.length) {
    return undefined;
  }
  const parameters: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = actual[index] ?? "";
    if (!isVariable(segment)) {
      if (segment !== value) return undefined;
      continue;
    }
    const last = greedy && index === segments.length - 1;
    const captured = last ? actual.slice(index).join("/") : value;
    if (captured === "") return undefined;
    parameters[segment.slice(1, last ? -2 : -1)] = captured;
  }
  return parameters;
}
