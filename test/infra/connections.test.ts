import { afterAll, beforeAll, expect, test } from "vitest";
import { balanceChanged, jobChanged, patternOf } from "../../core/contracts/events.ts";
import { socketActions } from "../../core/contracts/socket-messages.ts";
import { type Properties, resourcesOf, shortName } from "./support/resources.ts";
import { removeSynthesized, synthesize, type Templates } from "./support/synthesize.ts";

let templates: Templates;
beforeAll(() => {
  templates = synthesize("local");
});
afterAll(removeSynthesized);

const of = (type: string): Properties[] =>
  resourcesOf([templates.connections], `AWS::ApiGatewayV2::${type}`).map((one) => one.properties);

test("a connection is authorized by its ticket, and only then", () => {
  const routes = of("Route");
  expect(routes.map(({ RouteKey }) => RouteKey).sort()).toEqual(
    ["$connect", "$default", "$disconnect", ...socketActions].sort(),
  );
  for (const { RouteKey, AuthorizationType } of routes) {
    expect(AuthorizationType, RouteKey).toBe(RouteKey === "$connect" ? "CUSTOM" : "NONE");
  }
  expect(of("Authorizer")).toMatchObject([
    { AuthorizerType: "REQUEST", IdentitySource: ["route.request.querystring.ticket"] },
  ]);
});

test("messages are throttled, and logged without tickets and addresses", () => {
  const [stage] = of("Stage");
  expect(stage?.DefaultRouteSettings).toMatchObject({
    ThrottlingRateLimit: expect.any(Number),
    ThrottlingBurstLimit: expect.any(Number),
  });
  const format: string = stage?.AccessLogSettings.Format;
  expect(JSON.parse(format)).toMatchObject({ routeKey: "$context.routeKey" });
  expect(format).not.toMatch(/sourceIp|userAgent|querystring|authorizer\.principalId/i);
});

test("push-updates is told by one rule of jobs and balances", () => {
  const rule = resourcesOf([templates.connections], "AWS::Events::Rule").find(({ properties }) =>
    JSON.stringify(properties.Targets).includes("PushUpdatesQueue"),
  );
  const { source, detailType } = patternOf(jobChanged, balanceChanged);
  expect(rule?.properties.EventPattern).toEqual({ source, "detail-type": detailType });
  const names = resourcesOf([templates.connections], "AWS::SQS::Queue").map(({ properties }) =>
    shortName(properties.QueueName),
  );
  expect(names).toContain("push-updates");
});
