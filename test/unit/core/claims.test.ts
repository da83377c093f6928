import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { roles } from "../../../core/contracts/routes.ts";
import { callerOfJwt, type GatewayJwt } from "../../../core/perimeter/claims.ts";

const route = "POST /v1/ledger/adjustments";

/** As API Gateway hands a token's claims over: all as text, lists in brackets, null left out. */
function handedOver(more: Record<string, string>, scopes?: readonly string[] | null): GatewayJwt {
  const claims = {
    ...{
      aud: "[pennyline other]",
      iss: "https://issuer.example.com/",
      sub: "p",
      iat: "1796032800",
    },
    ...{ exp: "1796076000", email_verified: "true", address: '{"country":"AT"}', ...more },
  };
  return { claims, ...(scopes === undefined ? {} : { scopes }) };
}

describe("whom API Gateway's event names", () => {
  test.each<[string, Record<string, string>, readonly string[] | null, readonly string[]]>([
    ["Cognito, Auth0: text", { scope: "openid publisher" }, ["openid", "publisher"], ["publisher"]],
    ["Okta: a list", { scp: "[openid admin]" }, ["openid", "admin"], ["admin"]],
    ["Entra: scp as text", { scp: "publisher" }, ["publisher"], ["publisher"]],
    ["a list of one", { scope: "[admin]" }, ["admin"], ["admin"]],
    ["only the route's scopes beside it", { scope: "admin publisher" }, ["admin"], ["admin"]],
    ["no scopes beside it", { scope: "admin" }, null, ["admin"]],
    ["an empty list beside it", { scope: "admin" }, [], ["admin"]],
    [
      "an element that holds a space",
      { scope: "[publisher x admin]" },
      ["publisher", "x admin"],
      ["publisher"],
    ],
    ["the same in both", { scope: "admin", scp: "[admin openid]" }, ["admin"], ["admin"]],
    ["another's scope, and ours in scp", { scope: "openid", scp: "admin" }, ["admin"], ["admin"]],
  ])("%s", (_, claims, scopes, expected) => {
    expect(callerOfJwt(handedOver(claims, scopes), route)).toEqual({
      subject: "p",
      roles: expected,
    });
  });

  test("nobody whom its route does not let in, whatever the gateway did", () => {
    const refused = (claims: Record<string, string>, routeKey = route) =>
      expect(() => callerOfJwt(handedOver(claims), routeKey)).toThrow(
        expect.objectContaining({ status: 403, code: "forbidden" }),
      );
    refused({});
    refused({ scope: "creator" });
    refused({ scope: "Admin" });
    refused({ scope: "adminx" });
    refused({ scope: "null" });
    refused({ scope: "publisher", scp: "admin" });
    refused({ scope: "admin" }, "POST /v1/nowhere");
    refused({ scope: "admin" }, "GET /v1/rate-cards");
  });

  test("only a subject that is fit for keys, books and logs", () => {
    const bytes = (text: string) => Buffer.byteLength(text);
    const unit = fc.constantFrom("a", "é", "😀", " ", "\u00a0", "\n", "\u0000", "\u009f", "\ufffe");
    const subjects = fc.oneof(
      fc.string({ unit: fc.constantFrom("a", "é", " "), maxLength: 300 }),
      fc.string({ unit, maxLength: 5 }),
    );
    fc.assert(
      fc.property(subjects, (sub) => {
        const fit = sub.trim() !== "" && bytes(sub) <= 256 && !/[\p{Cc}\ufffe\uffff]/u.test(sub);
        const read = () => callerOfJwt(handedOver({ scope: "admin", sub }), route).subject;
        if (fit) expect(read()).toBe(sub);
        else expect(read).toThrow(expect.objectContaining({ status: 401, code: "invalid-token" }));
      }),
    );
    const { sub: _, ...claims } = handedOver({ scope: "admin" }).claims;
    expect(() => callerOfJwt({ claims }, route)).toThrow(/^sub must not be empty; send a token/);
  });

  test("never a role that no word of the token's is", () => {
    const word = fc.constantFrom(
      ...roles,
      "openid",
      "creatorx",
      "xadmin",
      "Publisher",
      "[admin",
      "a]",
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          const { roles: read } = callerOfJwt(handedOver({ scope: words.join(" ") }, words), route);
          expect(read).toEqual(roles.filter((role) => words.includes(role)));
        } catch (error) {
          expect(error).toMatchObject({ status: 403 });
          expect(words).not.toContain("publisher");
        }
      }),
    );
  });
});
