import { errors, jwtVerify, SignJWT } from "jose";
import type { Tickets } from "../../core/connections/ticket.ts";
import { ticketClaimsSchema } from "../../core/contracts/socket-messages.ts";
import type { Clock } from "../../core/values/time.ts";
import type { DerivedKeys } from "../secrets/derived-keys.ts";

const algorithm = "HS256";
const audience = "connection";
const purpose = "connection ticket v1";

/** Tickets as compact JWS, HS256, under a key that signs nothing else. */
export function jwsTickets(keys: DerivedKeys, clock: Clock): Tickets {
  return {
    async sign({ ...claims }) {
      return await new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, typ: "JWT" })
        .setAudience(audience)
        .sign(await keys.key(purpose));
    },
    async verify(ticket) {
      const key = await keys.key(purpose);
      try {
        const { payload } = await jwtVerify(ticket, key, {
          algorithms: [algorithm],
          audience,
          currentDate: new Date(clock.nowMs()),
        });
        return ticketClaimsSchema.safeParse(payload).data;
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}
