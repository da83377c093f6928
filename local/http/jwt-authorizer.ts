import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { z } from "zod";
import { type DevIssuer, devIssuerUrl } from "../dev-issuer.ts";
import { readProperties } from "../templates/properties.ts";
import type { Resource } from "../templates/resources.ts";

/** What the function learns of the caller: API Gateway hands every claim over as text. */
export interface Authorization {
  readonly claims: Readonly<Record<string, string>>;
  readonly scopes: readonly string[] | null;
}

export type Verdict =
  | { readonly kind: "allowed"; readonly authorization: Authorization }
  | { readonly kind: "unauthorized"; readonly reason: string }
  | { readonly kind: "forbidden" };

export type Authorize = (
  header: string | undefined,
  routeScopes: readonly string[],
) => Promise<Verdict>;

const authorizerShape = {
  AuthorizerType: z.literal("JWT"),
  IdentitySource: z.tuple([z.literal("$request.header.Authorization")]),
  JwtConfiguration: z.strictObject({ Audience: z.array(z.string()), Issuer: z.url() }),
};

export interface JwtAuthorizer {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly authorize: Authorize;
}

/** The development issuer's tokens are verified with its own key, others with their JWKS. */
export function createJwtAuthorizer(resource: Resource, devIssuer: DevIssuer): JwtAuthorizer {
  const { JwtConfiguration: configuration } = readProperties(resource, authorizerShape, [
    "ApiId",
    "Name",
  ]);
  const { Audience: audience, Issuer: issuer } = configuration;
  const keys: JWTVerifyGetKey =
    issuer === devIssuerUrl ? async () => devIssuer.publicKey : remoteKeys(issuer);
  const { remembered, remember } = createMemory();
  const verify = async (token: string) => {
    // A list of algorithms, never the token's word: no `none`, no HMAC with a public key.
    const { payload } = await jwtVerify(token, keys, { algorithms: ["RS256"], issuer });
    remember(token, payload);
    return payload;
  };
  return {
    issuer,
    audience,
    async authorize(header, routeScopes) {
      const token = header?.replace(/^bearer /i, "").trim();
      if (!token) return { kind: "unauthorized", reason: "no token" };
      let claims: JWTPayload;
      try {
        claims = remembered(token) ?? (await verify(token));
      } catch (error) {
        // Whatever a token makes a library throw, it is not a valid token.
        const known = error instanceof errors.JOSEError;
        return { kind: "unauthorized", reason: known ? error.code : "malformed token" };
      }
      const reason = refusal(claims, audience);
      if (reason !== undefined) return { kind: "unauthorized", reason };
      const scopes = scopesOf(claims);
      const needsScope = routeScopes.length > 0;
      if (needsScope && !routeScopes.some((scope) => scopes.includes(scope))) {
        return { kind: "forbidden" };
      }
      return {
        kind: "allowed",
        authorization: { claims: textClaims(claims), scopes: needsScope ? scopes : null },
      };
    },
  };
}

const maxRemembered = 1_000;

/** Checking a signature costs more than all else here, and callers send the same token again. */
function createMemory() {
  const verified = new Map<string, JWTPayload>();
  return {
    remembered(token: string): JWTPayload | undefined {
      const claims = verified.get(token);
      if (claims?.exp === undefined || claims.exp > Date.now() / 1000) return claims;
      verified.delete(token);
      return undefined;
    },
    remember(token: string, claims: JWTPayload) {
      if (verified.size >= maxRemembered) verified.clear();
      verified.set(token, claims);
    },
  };
}

/** What API Gateway demands beside signature, issuer and `nbf`. */
function refusal(claims: JWTPayload, audience: readonly string[]): string | undefined {
  const nowSeconds = Date.now() / 1000;
  if (typeof claims.exp !== "number") return "no expiry";
  if (typeof claims.iat === "number" && claims.iat > nowSeconds + 1) return "issued in the future";
  // `client_id` stands in for an audience that is absent.
  const given = [claims.aud ?? claims.client_id].flat();
  if (!given.some((one) => audience.includes(String(one)))) return "another audience";
  return undefined;
}

function scopesOf(claims: JWTPayload): string[] {
  const scope = claims.scope ?? claims.scp;
  if (Array.isArray(scope)) return scope.map(String);
  return typeof scope === "string" ? scope.split(" ").filter(Boolean) : [];
}

function textClaims(claims: JWTPayload): Record<string, string> {
  return Object.fromEntries(
    Object.entries(claims).flatMap(([name, value]) => {
      // A claim that is null is left out, a list is its elements in brackets, and all else is its JSON.
      if (value === null) return [];
      if (Array.isArray(value)) return [[name, `[${value.join(" ")}]`]];
      return [[name, typeof value === "object" ? JSON.stringify(value) : String(value)]];
    }),
  );
}

function remoteKeys(issuer: string): JWTVerifyGetKey {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  const discover = async () => {
    const base = issuer.endsWith("/") ? issuer : `${issuer}/`;
    const response = await fetch(new URL(".well-known/openid-configuration", base));
    const { jwks_uri: jwksUri } = (await response.json()) as { jwks_uri: string };
    return createRemoteJWKSet(new URL(jwksUri));
  };
  return async (header, token) => {
    keys ??= discover().catch((error: Error) => {
      keys = undefined;
      throw new errors.JWKSInvalid(`cannot read the keys of ${issuer}: ${error.message}`);
    });
    return (await keys)(header, token);
  };
}
