import { describe, expect, inject, test } from "vitest";
import { readAssembly } from "../../local/templates/assembly.ts";
import { resolveResources } from "../../local/templates/resources.ts";
import { cloudForTest } from "./support/cloud.ts";
import {
  fixtureFunction,
  fixtureQueue,
  fixtureWebSocketApi,
  writeAssembly,
} from "./support/fixture-assembly.ts";

const start = (resources: Parameters<typeof writeAssembly>[0]["resources"], bundles = {}) =>
  cloudForTest({ assemblyDir: writeAssembly({ resources, bundles }) });

describe("the embedded cloud refuses to start", () => {
  test("on a resource type it does not know, by name", async () => {
    await expect(start({ Stream: { Type: "AWS::Kinesis::Stream" } })).rejects.toThrow(
      "does not know how to run Fixture/Stream (AWS::Kinesis::Stream)",
    );
  });

  test("on a property it would have to ignore", async () => {
    await expect(start({ Queue: fixtureQueue("q", { NewFeature: true }) })).rejects.toThrow(
      /cannot run Fixture\/Queue \(AWS::SQS::Queue\).*NewFeature/,
    );
  });

  test.each<[string, object]>([
    ["AWS::S3::Bucket", { BucketName: "bucket" }],
    ["AWS::Scheduler::ScheduleGroup", { Name: "group" }],
    ["AWS::SES::EmailIdentity", { EmailIdentity: "pennyline.example" }],
    ["AWS::SES::ConfigurationSet", { Name: "set" }],
  ])("on a property of %s that it does not know", async (Type, properties) => {
    const One = { Type, Properties: { ...properties, NewFeature: true } };
    await expect(start({ One })).rejects.toThrow(/cannot run Fixture\/One.*NewFeature/);
  });

  test.each([
    ["Sockets", /Fixture\/Sockets.*NewFeature/],
    ["SocketStage", /Fixture\/SocketStage.*NewFeature/],
    ["SocketAuthorizer", /Fixture\/SocketAuthorizer.*NewFeature/],
    ["SocketIntegration", /Fixture\/SocketIntegration.*NewFeature/],
    ["SocketRoute0", /Fixture\/SocketRoute0.*NewFeature/],
  ])("on a property of a WebSocket API's %s that it does not know", async (id, error) => {
    const api: Parameters<typeof start>[0] = fixtureWebSocketApi({ $default: {} });
    const { Type = "", Properties } = api[id] ?? {};
    const changed = { Type, Properties: { ...Properties, NewFeature: true } };
    const functions = { Chat: fixtureFunction("f"), Gate: fixtureFunction("g") };
    const resources = { ...api, ...functions, [id]: changed };
    await expect(start(resources, { f: "", g: "" })).rejects.toThrow(error);
  });

  test("on a message route that would be authorized, and on a second WebSocket API", async () => {
    const functions = { Chat: fixtureFunction("f"), Gate: fixtureFunction("g") };
    const closed = { AuthorizationType: "CUSTOM", AuthorizerId: { Ref: "SocketAuthorizer" } };
    const routes = { ...fixtureWebSocketApi({ say: closed }), ...functions };
    await expect(start(routes, { f: "", g: "" })).rejects.toThrow(
      "only $connect can be authorized",
    );
    const api = fixtureWebSocketApi({});
    const two = { ...api, ...functions, Other: api.Sockets };
    await expect(start(two, { f: "", g: "" })).rejects.toThrow("only one WebSocket API is served");
  });

  test("on an event pattern it does not understand", async () => {
    const Properties = { EventPattern: { source: [{ cidr: "10.0.0.0/8" }] } };
    await expect(start({ Rule: { Type: "AWS::Events::Rule", Properties } })).rejects.toThrow(
      /Fixture\/Rule.*unknown operator cidr/,
    );
  });

  test("on a reference to nothing", async () => {
    const queue = fixtureQueue("q", {
      RedrivePolicy: { deadLetterTargetArn: { "Fn::GetAtt": ["Gone", "Arn"] }, maxReceiveCount: 1 },
    });
    await expect(start({ Queue: queue })).rejects.toThrow("Fixture has no resource Gone");
  });
});

test("a function gets the environment of its template and the endpoints of this machine", async () => {
  const print = "export const handler = async () => process.env;";
  const Environment = { Variables: { TABLE: { Ref: "Table" } } };
  const cloud = await start(
    {
      Table: {
        Type: "AWS::DynamoDB::Table",
        Properties: {
          KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
          AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
        },
      },
      Print: fixtureFunction("print", { Environment, MemorySize: 256 }),
    },
    { print },
  );
  const variables = (await cloud.invoke("print", {})) as Record<string, string>;
  expect(variables).toMatchObject({
    TABLE: "Fixture-Table",
    AWS_REGION: "us-east-1",
    AWS_LAMBDA_FUNCTION_NAME: "print",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
    AWS_ENDPOINT_URL_DYNAMODB: cloud.dynamodbUrl,
    AWS_ENDPOINT_URL_EVENTBRIDGE: cloud.servicesUrl,
    AWS_ENDPOINT_URL_S3: cloud.queues.url,
    AWS_ENDPOINT_URL_SCHEDULER: cloud.servicesUrl,
    AWS_ENDPOINT_URL_SESV2: cloud.servicesUrl,
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: cloud.servicesUrl,
    _X_AMZN_TRACE_ID: expect.stringMatching(/^Root=1-/),
  });
  // Nothing of the developer's own environment leaks in.
  expect(variables.HOME).toBeUndefined();
});

test("a function that cannot be loaded fails its invocation with the reason", async () => {
  const cloud = await start({ F: fixtureFunction("f") }, { f: "import 'no-such-package';" });
  await expect(cloud.invoke("f", {})).rejects.toThrow("no-such-package");
});

test("every reference in the application's own templates resolves", () => {
  const addresses = { httpApiUrl: "http://api", sqsUrl: "http://sqs" };
  const resources = resolveResources(readAssembly(inject("assemblyDir")), addresses);
  expect(resources.length).toBeGreaterThan(50);
  expect(JSON.stringify(resources.map(({ properties }) => properties))).not.toMatch(
    /"(Ref|Fn::\w+)"/,
  );
});
