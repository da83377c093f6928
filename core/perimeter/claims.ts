import { subjectSchema } from "../contracts/ids.ts";
import { type Role, roles, routes } from "../contracts/routes.ts";
import type { Caller } from "./caller.ts";
import { Problem, problems } from "./problem.ts";

/** A JWT that API Gateway let in: each claim as text, a list as `[a b]`; one that is null is left out. */
export interface GatewayJwt {
  readonly claims: Readonly<Record<string, unknown>>;
  /** As the gateway read them; null where the route asks for none. */
  readonly scopes?: readonly string[] | null;
}

const allowedBy = new Map(
  routes.map(({ method, path, allow }) => [`${method} ${path}`, allow as readonly Role[]]),
);

/**
 * Who a JWT says is calling. The gateway has checked its signature, and asked for a scope; what is read
 * here must let the caller in as well, so that no difference between both is a way in.
 * @param routeKey `<method> <path>`, as the gateway names the route.
 * @throws Problem 401 when it does not say who it is; 403 when its scopes are not the route's.
 */
export function callerOfJwt(jwt: GatewayJwt, routeKey: string): Caller {
  const subject = subjectSchema.safeParse(jwt.claims.sub ?? "");
  if (!subject.success) throw nobody(subject.error.issues[0]?.message ?? "");
  const own = rolesOf(jwt);
  const allowed = allowedBy.get(routeKey) ?? [];
  if (!own.some((role) => allowed.includes(role))) {
    throw problems.forbidden(`This route asks for one of the scopes ${allowed.join(", ")}.`);
  }
  return { subject: subject.data, roles: own };
}

/** The gateway takes either claim. Where both name roles they must agree: nobody knows which it took. */
function rolesOf({ claims, scopes }: GatewayJwt): Role[] {
  const [scope, scp] = [rolesIn(claims.scope), rolesIn(claims.scp)];
  if (scope.length > 0 && scp.length > 0 && scope.join() !== scp.join()) {
    throw problems.forbidden(
      `The token's scope says ${scope.join(" ")} and its scp ${scp.join(" ")}; issue it with one of them.`,
    );
  }
  const named = scope.length > 0 ? scope : scp;
  // A list's element may hold spaces, which its text does not tell from two elements.
  return scopes?.length ? named.filter((role) => scopes.includes(role)) : named;
}

/** Scopes are separated by a space, and by nothing else, and their case matters: as the gateway has it. */
function rolesIn(claim: unknown): Role[] {
  if (typeof claim !== "string") return [];
  const words = claim.replace(/^\[(.*)\]$/s, "$1").split(" ");
  return roles.filter((role) => words.includes(role));
}

function nobody(reason: string): Problem {
  return new Problem(
    401,
    "invalid-token",
    "The token does not say who is calling",
    `${reason}; send a token whose sub claim names the caller: a creator's is its creator id.`,
  );
}
