import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from "jose";
import { viewTokenClaimsSchema } from "../../core/contracts/bodies.ts";
import type { TokenVerdict, ViewTokens } from "../../core/engagements/view-token.ts";
import type { Clock } from "../../core/values/time.ts";
import type { SecretSource } from "./secrets.ts";

const algorithm = "HS256";

/** View tokens as compact JWS, HS256; the header's `kid` says which secret signed. */
export function jwsViewTokens(secrets: SecretSource, clock: Clock): ViewTokens {
  return {
    async sign({ ...claims }) {
      const { currentKid, byKid } = await secrets.read();
      const key = byKid.get(currentKid);
      if (!key) throw new Error(`no secret for kid ${currentKid}`);
      return await new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, kid: currentKid, typ: "JWT" })
        .sign(key);
    },
    async verify(token) {
      const kid = kidOf(token);
      const key = kid === undefined ? undefined : (await secrets.read(kid)).byKid.get(kid);
      if (!key) return invalid("its kid is not one of ours");
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [algorithm],
          currentDate: new Date(clock.nowMs()),
        });
        const claims = viewTokenClaimsSchema.safeParse(payload);
        if (claims.success) return { ok: true, claims: claims.data };
        return invalid(`${claims.error.issues[0]?.path.join(".")} is missing or malformed`);
      } catch (error) {
        if (error instanceof errors.JWTExpired) {
          return { ok: false, code: "token_expired", detail: "the view token has expired" };
        }
        if (error instanceof errors.JOSEError) return invalid("its signature or form is not valid");
        throw error;
      }
    },
  };
}

function kidOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}

function invalid(why: string): TokenVerdict {
  return { ok: false, code: "token_invalid", detail: `the view token is refused: ${why}` };
}
