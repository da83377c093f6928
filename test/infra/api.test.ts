import { Queue } from "aws-cdk-lib/aws-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { routes } from "../../core/contracts/routes.ts";
import { type Properties, resourcesOf, shortName } from "./support/resources.ts";
import { newApp, removeSynthesized, synthesize, type Templates } from "./support/synthesize.ts";

let templates: Templates;
beforeAll(() => {
  templates = synthesize("local");
});
afterAll(removeSynthesized);

const parts = () => [templates.api, templates.apiWork, templates.apiStage];
const only = (type: string): Properties =>
  resourcesOf(parts(), type)[0]?.properties ?? expect.unreachable(`no ${type}`);
const deployed = () =>
  new Map(
    resourcesOf(parts(), "AWS::ApiGatewayV2::Route").map(({ properties }) => [
      properties.RouteKey as string,
      properties,
    ]),
  );

describe.each(routes)("$method $path", ({ operation, method, path, allow }) => {
  const route = () => deployed().get(`${method} ${path}`) ?? expect.unreachable("not deployed");

  test(allow.length === 0 ? "is open to anyone" : `asks for a scope of ${allow.join(", ")}`, () => {
    if (allow.length === 0) {
      expect(route().AuthorizationType).toBe("NONE");
      expect(route()).not.toHaveProperty("AuthorizerId");
    } else {
      expect(route()).toMatchObject({ AuthorizationType: "JWT", AuthorizationScopes: allow });
      // By reference, within its stack or from another one.
      expect(route().AuthorizerId).toEqual(expect.any(Object));
    }
  });

  test(`is answered by ${operation}`, () => {
    const target = route().Target["Fn::Join"][1].at(-1).Ref;
    const Resources = Object.assign({}, ...parts().map((part) => part.toJSON().Resources));
    const { IntegrationUri, PayloadFormatVersion } = Resources[target].Properties;
    // Those whose new code is released by and by are called through an alias.
    const alias = Resources[IntegrationUri.Ref]?.Properties.FunctionName.Ref;
    const answering = Resources[alias ?? IntegrationUri["Fn::GetAtt"][0]].Properties.FunctionName;
    expect(shortName(answering)).toBe(operation);
    expect(PayloadFormatVersion).toBe("2.0");
  });

  test("is throttled by itself", () => {
    const key = `${method} ${path}`;
    const settings = only("AWS::ApiGatewayV2::Stage").RouteSettings[key];
    expect(settings.ThrottlingRateLimit).toBeGreaterThan(0);
    expect(settings.ThrottlingBurstLimit).toBeGreaterThan(0);
  });
});

test("J4: long polls that may wait are few, and no function has a concurrency that they could use up", () => {
  const functionsOf = (stage: string) =>
    resourcesOf(synthesize(stage).all, "AWS::Lambda::Function").map(({ properties }) => properties);
  const polls = (stage: string) =>
    functionsOf(stage).flatMap(({ FunctionName, Environment }) => {
      const { LONG_POLLS: limits } = Environment.Variables;
      return limits === undefined ? [] : [[shortName(FunctionName), JSON.parse(limits)]];
    });
  // Of the 1,000 executions of an account, and of the 10 of a new one.
  expect(polls("prod")).toEqual([["read-job", { perOwner: 20, all: 200 }]]);
  expect(polls("dev")).toEqual([["read-job", { perOwner: 3, all: 5 }]]);
  for (const { ReservedConcurrentExecutions } of functionsOf("prod")) {
    expect(ReservedConcurrentExecutions).toBeUndefined();
  }
});

test("no stack comes near the 500 resources that CloudFormation takes", () => {
  for (const template of templates.all) {
    expect(Object.keys(template.toJSON().Resources).length).toBeLessThan(400);
  }
});

test("no other route exists", () => {
  expect([...deployed().keys()].sort()).toEqual(
    routes.map(({ method, path }) => `${method} ${path}`).sort(),
  );
});

test("callers' tokens come from the issuer of the stage, for our audience", () => {
  expect(only("AWS::ApiGatewayV2::Authorizer")).toMatchObject({
    AuthorizerType: "JWT",
    IdentitySource: ["$request.header.Authorization"],
    JwtConfiguration: { Issuer: "https://issuer.pennyline.local", Audience: ["pennyline"] },
  });
});

test("browsers may call from exact origins, and bring no credentials", () => {
  const { CorsConfiguration } = only("AWS::ApiGatewayV2::Api");
  expect(CorsConfiguration.AllowOrigins).toEqual([
    "http://localhost:3000",
    "http://127.0.0.1:3000",
  ]);
  expect(CorsConfiguration.AllowOrigins).not.toContain("*");
  expect(CorsConfiguration).not.toHaveProperty("AllowCredentials");
});

test("requests are logged as JSON that says neither who nor what was read", () => {
  const stage = only("AWS::ApiGatewayV2::Stage");
  expect(stage).toMatchObject({ StageName: "$default", AutoDeploy: true });
  const format = JSON.parse(stage.AccessLogSettings.Format);
  expect(format).toMatchObject({ routeKey: "$context.routeKey", status: "$context.status" });
  expect(JSON.stringify(format)).not.toMatch(/sourceIp|userAgent|\.path|claims/);
});

test("a finding of cdk-nag fails the synth of a stage that is deployed", () => {
  const app = newApp("dev");
  new Queue(app.workers, "Careless");
  expect(() => app.synth()).toThrow(/AwsSolutions-SQS4/);
});
