import type { CreatorId } from "../contracts/ids.ts";
import type { Role } from "../contracts/routes.ts";
import { problems } from "./problem.ts";

/** Who the gateway's authorizer says is calling. */
export interface Caller {
  readonly roles: readonly Role[];
  readonly subject: string;
}

/**
 * A creator sees only its own; anything else looks as if it did not exist.
 * @param all roles that see every creator's, where the route lets them in.
 */
export function requireSight(
  caller: Caller,
  creatorId: CreatorId,
  all: readonly Role[] = ["publisher"],
): void {
  if (caller.roles.some((role) => all.includes(role))) return;
  if (caller.roles.includes("creator") && caller.subject === creatorId) return;
  throw problems.notFound(`creator ${JSON.stringify(creatorId)}`);
}

/**
 * Whose rows a caller gets from a list of everybody's: those of the creator that was asked for, a
 * creator's own, or all (undefined).
 * @throws Problem 404 when a creator asks for another's.
 */
export function creatorListed(
  caller: Caller,
  creatorId: CreatorId | undefined,
): CreatorId | undefined {
  const listed = seesAll(caller) ? creatorId : (creatorId ?? (caller.subject as CreatorId));
  if (listed !== undefined) requireSight(caller, listed, ["publisher", "admin"]);
  return listed;
}

/** Not only what is a creator's own. */
export function seesAll({ roles }: Caller): boolean {
  return roles.some((role) => role !== "creator");
}

/** What an answer may say beyond what a creator may know. */
export interface Audience {
  /** Who at the publisher's did something, and under which trace: creators are not told. */
  readonly names: boolean;
}

export function audienceOf(caller: Caller): Audience {
  return { names: seesAll(caller) };
}

/**
 * Whose jobs and the like a caller's are. A publisher's programs share theirs: one may follow what
 * another asked for.
 */
export function ownerOf({ roles, subject }: Caller): string {
  if (roles.includes("publisher")) return "publisher";
  if (roles.includes("creator")) return `creator:${subject}`;
  return roles[0] ?? `nobody:${subject}`;
}

/** Who did something, for the books: `<role>:<subject>`. */
export function signatureOf({ roles, subject }: Caller): string {
  return `${roles.join("+")}:${subject}`;
}
