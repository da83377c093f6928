import type { CreatorId } from "../contracts/ids.ts";
import type { Role } from "../contracts/routes.ts";
import { problems } from "./problem.ts";

/** Who the gateway's authorizer says is calling. */
export interface Caller {
  readonly roles: readonly Role[];
  readonly subject: string;
}

/** A creator sees only its own; anything else looks as if it did not exist. */
export function requireSight(caller: Caller, creatorId: CreatorId): void {
  if (caller.roles.includes("publisher")) return;
  if (caller.roles.includes("creator") && caller.subject === creatorId) return;
  throw problems.notFound(`creator ${JSON.stringify(creatorId)}`);
}
