import { limits } from "../contracts/limits.ts";
import type { TicketClaims } from "../contracts/socket-messages.ts";
import type { Caller } from "../perimeter/caller.ts";
import type { Clock } from "../values/time.ts";

/** Signs and checks tickets: JWS HS256, good for connecting and for nothing else. */
export interface Tickets {
  sign(claims: TicketClaims): Promise<string>;
  /** Undefined: forged, expired, or signed for another purpose. */
  verify(ticket: string): Promise<TicketClaims | undefined>;
}

interface Deps {
  readonly tickets: Tickets;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Where the WebSocket API listens. */
  readonly url: string;
}

/**
 * A browser cannot put a header on a WebSocket, and a JWT has no place in a URL, which ends up in
 * logs: so it is exchanged for a ticket that opens one connection, within a minute.
 */
export async function issueTicket(
  { tickets, clock, newId, url }: Deps,
  { subject, roles }: Caller,
): Promise<{ ticket: string; url: string; expiresAt: string }> {
  const exp = Math.floor((clock.nowMs() + limits.connectionTicketTtlMs) / 1_000);
  const ticket = await tickets.sign({ sub: subject, roles: [...roles], jti: newId(), exp });
  return { ticket, url: `${url}?ticket=${ticket}`, expiresAt: new Date(exp * 1_000).toISOString() };
}
