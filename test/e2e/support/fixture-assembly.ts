import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./cloud.ts";

export interface Fixture {
  readonly resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: object }>
  >;
  /** Source of each bundle's handler.mjs, by the name that `fixtureFunction` is given. */
  readonly bundles?: Readonly<Record<string, string>>;
}

/** Writes a cloud assembly of one stack, as CDK would, without CDK. */
export function writeAssembly({ resources, bundles = {} }: Fixture): string {
  const directory = temporaryFolder();
  const write = (file: string, content: object) =>
    writeFileSync(join(directory, file), JSON.stringify(content));
  const files: Record<string, object> = {};
  for (const [name, source] of Object.entries(bundles)) {
    mkdirSync(join(directory, `asset.${name}`));
    writeFileSync(join(directory, `asset.${name}`, "handler.mjs"), source);
    files[name] = {
      source: { path: `asset.${name}` },
      destinations: { here: { objectKey: `${name}.zip` } },
    };
  }
  write("manifest.json", {
    artifacts: {
      Fixture: {
        type: "aws:cloudformation:stack",
        properties: { templateFile: "Fixture.template.json" },
      },
      "Fixture.assets": {
        type: "cdk:asset-manifest",
        properties: { file: "Fixture.assets.json" },
      },
    },
  });
  write("Fixture.assets.json", { files });
  write("Fixture.template.json", { Resources: resources });
  return directory;
}

/** Begins a bundle that uses the SDK clients of this repository: `require("@aws-sdk/…")`. */
export const withSdk = `import { createRequire } from "node:module";
const require = createRequire(${JSON.stringify(import.meta.filename)});`;

/** The settings of an SDK client outside of a function; its keys are those that functions have. */
export const sdk = (endpoint: string) => ({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});

export function fixtureFunction(name: string, properties: object = {}) {
  return {
    Type: "AWS::Lambda::Function",
    Properties: {
      FunctionName: name,
      Code: { S3Key: `${name}.zip` },
      Handler: "handler.handler",
      Runtime: "nodejs24.x",
      Timeout: 5,
      ...properties,
    },
  };
}

export function fixtureQueue(name: string, properties: object = {}) {
  return { Type: "AWS::SQS::Queue", Properties: { QueueName: name, ...properties } };
}

export function fixtureBucket(name: string, properties: object = {}) {
  return { Type: "AWS::S3::Bucket", Properties: { BucketName: name, ...properties } };
}

/** A worker on a queue with dead letters: logical ids Queue, DeadLetters, Worker and Mapping. */
export function fixtureWorker(mapping: object = {}, queue: object = {}, worker: object = {}) {
  return {
    DeadLetters: fixtureQueue("dead"),
    Queue: fixtureQueue("work", {
      VisibilityTimeout: 60,
      RedrivePolicy: {
        deadLetterTargetArn: { "Fn::GetAtt": ["DeadLetters", "Arn"] },
        maxReceiveCount: 2,
      },
      ...queue,
    }),
    Worker: fixtureFunction("worker", worker),
    Mapping: {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: {
        EventSourceArn: { "Fn::GetAtt": ["Queue", "Arn"] },
        FunctionName: { Ref: "Worker" },
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        ...mapping,
      },
    },
  };
}

/** An HTTP API whose every route is answered by the function of logical id `Function`. */
export function fixtureApi(routes: Readonly<Record<string, object>>, api = {}, stage = {}) {
  const ApiId = { Ref: "Api" };
  const integration = {
    ApiId,
    IntegrationType: "AWS_PROXY",
    IntegrationUri: { "Fn::GetAtt": ["Function", "Arn"] },
    PayloadFormatVersion: "2.0",
  };
  return {
    Api: { Type: "AWS::ApiGatewayV2::Api", Properties: { ProtocolType: "HTTP", ...api } },
    Stage: {
      Type: "AWS::ApiGatewayV2::Stage",
      Properties: { ApiId, StageName: "$default", ...stage },
    },
    Jwt: {
      Type: "AWS::ApiGatewayV2::Authorizer",
      Properties: {
        ApiId,
        AuthorizerType: "JWT",
        IdentitySource: ["$request.header.Authorization"],
        JwtConfiguration: { Audience: ["pennyline"], Issuer: "https://issuer.pennyline.local" },
      },
    },
    Integration: { Type: "AWS::ApiGatewayV2::Integration", Properties: integration },
    ...Object.fromEntries(
      Object.entries(routes).map(([RouteKey, properties], index) => [
        `Route${index}`,
        {
          Type: "AWS::ApiGatewayV2::Route",
          Properties: {
            ApiId,
            RouteKey,
            Target: { "Fn::Join": ["/", ["integrations", { Ref: "Integration" }]] },
            ...properties,
          },
        },
      ]),
    ),
  };
}

/** A WebSocket API whose routes are all answered by the function of logical id `Chat`. */
export function fixtureWebSocketApi(
  routes: Readonly<Record<string, object>>,
  stage: object = {},
  authorizer: object = {},
) {
  const ApiId = { Ref: "Sockets" };
  const invoke = (logicalId: string) => {
    const path = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/";
    return { "Fn::Join": ["", [path, { "Fn::GetAtt": [logicalId, "Arn"] }, "/invocations"]] };
  };
  const resource = (type: string, properties: object) => ({
    Type: `AWS::ApiGatewayV2::${type}`,
    Properties: { ApiId, ...properties },
  });
  return {
    Sockets: {
      Type: "AWS::ApiGatewayV2::Api",
      Properties: {
        Name: "sockets",
        ProtocolType: "WEBSOCKET",
        RouteSelectionExpression: "$request.body.action",
      },
    },
    SocketStage: resource("Stage", { StageName: "live", AutoDeploy: true, ...stage }),
    SocketAuthorizer: resource("Authorizer", {
      AuthorizerType: "REQUEST",
      AuthorizerUri: invoke("Gate"),
      IdentitySource: ["route.request.querystring.token"],
      Name: "gate",
      ...authorizer,
    }),
    SocketIntegration: resource("Integration", {
      IntegrationType: "AWS_PROXY",
      IntegrationUri: invoke("Chat"),
    }),
    ...Object.fromEntries(
      Object.entries(routes).map(([RouteKey, properties], index) => [
        `SocketRoute${index}`,
        resource("Route", {
          RouteKey,
          AuthorizationType: "NONE",
          Target: { "Fn::Join": ["/", ["integrations", { Ref: "SocketIntegration" }]] },
          ...properties,
        }),
      ]),
    ),
  };
}
