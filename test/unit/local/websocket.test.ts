import { describe, expect, test } from "vitest";
import { readPolicy } from "../../../local/websocket/policy.ts";
import { routeSelection } from "../../../local/websocket/route-selection.ts";

describe("an authorizer's policy", () => {
  const arn = "arn:aws:execute-api:us-east-1:000000000000:api/live/$connect";
  const statement = (
    Effect: string,
    Resource: string | string[],
    Action = "execute-api:Invoke",
  ) => ({
    Effect,
    Resource,
    Action,
  });
  const verdict = (...Statement: object[]) =>
    readPolicy({ principalId: "p", policyDocument: { Statement } }, arn).kind;

  test.each([
    ["its own ARN", "allowed", [statement("Allow", arn)]],
    ["any", "allowed", [statement("Allow", "*", "*")]],
    ["a pattern", "allowed", [statement("Allow", "arn:aws:execute-api:*:?*:api/live/$*")]],
    ["one of a list", "allowed", [statement("Allow", ["arn:x", arn])]],
    ["nothing", "denied", []],
    ["another API", "denied", [statement("Allow", arn.replace("api/", "other/"))]],
    ["another action", "denied", [statement("Allow", arn, "execute-api:ManageConnections")]],
    ["a denial beside it", "denied", [statement("Allow", "*"), statement("Deny", arn)]],
  ])("that names %s: %s", (_name, kind, statements) => {
    expect(verdict(...statements)).toBe(kind);
  });

  test.each([
    ["nothing", null],
    ["no principal", { policyDocument: { Statement: [] } }],
    ["an object in its context", { ...policy(), context: { a: {} } }],
  ])("is malformed with %s", (_name, answer) => {
    expect(readPolicy(answer, arn).kind).toBe("malformed");
  });

  test("hands its context over as text", () => {
    const answer = { ...policy(), context: { n: 1, yes: true, text: "t" } };
    const context = { principalId: "p", n: "1", yes: "true", text: "t" };
    expect(readPolicy(answer, arn)).toEqual({ kind: "allowed", context });
  });
});

function policy() {
  const Statement = { Effect: "Allow", Action: "*", Resource: "*" };
  return { principalId: "p", policyDocument: { Statement } };
}

test.each([
  ["$request.body.action", '{"action":"a"}', "a"],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as API Gateway writes it, too
  ["${request.body.action}", '{"action":"a"}', "a"],
  ["$request.body.message.kind", '{"message":{"kind":2}}', "2"],
  ["$request.body.action", '{"action":{}}', undefined],
  ["$request.body.toString", "{}", undefined],
  ["$request.body.action", "null", undefined],
  ["$request.body.action", "no JSON", undefined],
])("%s of %s is %s", (expression, message, key) => {
  expect(routeSelection(expression)(message)).toBe(key);
});

test("an expression that selects by something else is an error", () => {
  expect(() => routeSelection("$request.header.x")).toThrow("cannot select routes");
});
