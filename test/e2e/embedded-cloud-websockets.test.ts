import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket as Client, type ClientOptions } from "ws";
import { cloudForTest, startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import {
  fixtureFunction,
  fixtureWebSocketApi,
  sdk,
  withSdk,
  writeAssembly,
} from "./support/fixture-assembly.ts";

const gate = `export const handler = async ({ methodArn, queryStringParameters, requestContext }) => {
  const { token } = queryStringParameters;
  if (token === "nobody") throw new Error("Unauthorized");
  if (token === "broken") throw new Error("on purpose");
  if (token === "strange") return { hello: "world" };
  const Effect = token === "deny" ? "Deny" : "Allow";
  const Statement = [{ Action: "execute-api:Invoke", Effect, Resource: methodArn }];
  const context = { reader: token, level: 3 };
  return { principalId: token, policyDocument: { Version: "2012-10-17", Statement }, context };
};`;
/** Writes every event to a file, and does what a message says. */
const chat = `${withSdk}
import { appendFileSync } from "node:fs";
const management = require("@aws-sdk/client-apigatewaymanagementapi");
const client = new management.ApiGatewayManagementApiClient({ endpoint: process.env.CALLBACK });
export const handler = async (event) => {
  appendFileSync(process.env.EVENTS, JSON.stringify(event) + "\\n");
  const { eventType, connectionId, routeKey } = event.requestContext;
  if (eventType === "CONNECT") {
    const mode = event.queryStringParameters?.mode;
    if (mode === "throw") throw new Error("on purpose");
    const headers = mode === "protocol" ? { "Sec-WebSocket-Protocol": "two" } : {};
    return { statusCode: mode === "refuse" ? 418 : 200, headers };
  }
  if (eventType === "DISCONNECT") return { statusCode: 200 };
  if (routeKey === "fail") throw new Error("on purpose");
  if (routeKey === "later") {
    const Data = JSON.stringify({ from: "function" });
    await client.send(new management.PostToConnectionCommand({ ConnectionId: connectionId, Data }));
  }
  return { statusCode: 200, body: "echo " + event.body };
};`;
const address = (scheme: string) => ({
  "Fn::Join": [
    "",
    [`${scheme}://`, { Ref: "Sockets" }, ".execute-api.us-east-1.", urlSuffix, "/live"],
  ],
});
const urlSuffix = { Ref: "AWS::URLSuffix" };

const assembly = (events: string, stage: object = {}) => {
  const routes = {
    $connect: { AuthorizationType: "CUSTOM", AuthorizerId: { Ref: "SocketAuthorizer" } },
    $disconnect: {},
    later: {},
    fail: {},
    echo: { RouteResponseSelectionExpression: "$default" },
    $default: { RouteResponseSelectionExpression: "$default" },
  };
  const Environment = {
    Variables: { EVENTS: events, CALLBACK: address("https"), ADDRESS: address("wss") },
  };
  const resources = {
    ...fixtureWebSocketApi(routes, stage),
    Gate: fixtureFunction("gate"),
    Chat: fixtureFunction("chat", { Environment }),
  };
  return writeAssembly({ resources, bundles: { gate, chat } });
};

interface Event {
  readonly body?: string;
  readonly requestContext: Readonly<Record<string, unknown>>;
}

let cloud: TestCloud;
let assemblyDir: string;
let file: string;
beforeAll(async () => {
  const folder = writeAssembly({ resources: {} });
  file = join(folder, "events");
  const AccessLogSettings = {
    DestinationArn: "arn",
    Format: "$context.eventType $context.routeKey $context.status",
  };
  assemblyDir = assembly(file, { AccessLogSettings });
  cloud = await startTestCloud({ assemblyDir });
});
afterAll(() => stopTestCloud(cloud));

const events = (connectionId: unknown): Event[] =>
  (existsSync(file) ? readFileSync(file, "utf8") : "")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event)
    .filter(({ requestContext }) => requestContext.connectionId === connectionId);
const lastConnected = (reader: string): Event["requestContext"] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as Event).requestContext)
    .findLast((context) => (context.authorizer as { reader?: string })?.reader === reader) ?? {};

interface Connected {
  readonly client: Client;
  readonly id: string;
  readonly received: string[];
  readonly closed: Promise<[number, string]>;
}

let readers = 0;
async function connect(query = "", options: ClientOptions = {}, on = cloud): Promise<Connected> {
  readers += 1;
  const reader = `reader-${readers}`;
  const url = `${on.webSocketUrl}?token=${reader}${query}`;
  const client = new Client(url, query.includes("protocol") ? ["one", "two"] : [], options);
  onTestFinished(() => client.terminate());
  const received: string[] = [];
  client.on("message", (data) => received.push(String(data)));
  const { promise: closed, resolve } = Promise.withResolvers<[number, string]>();
  client.on("close", (code, reason) => resolve([code, String(reason)]));
  await new Promise((opened, failed) => client.once("open", opened).once("error", failed));
  return { client, received, closed, id: String(lastConnected(reader).connectionId) };
}
const refusal = (query: string) =>
  new Promise((resolve) => {
    const client = new Client(`${cloud.webSocketUrl}${query}`);
    client.on("unexpected-response", (_request, answer) => resolve(answer.statusCode));
    client.on("open", () => resolve("open"));
    client.on("error", () => {});
  });
const send = (client: Client, message: object | string) =>
  client.send(typeof message === "string" ? message : JSON.stringify(message));
const management = () => new ApiGatewayManagementApiClient(sdk(`${cloud.servicesUrl}/live`));

describe("connecting", () => {
  test("asks the authorizer, whose context reaches every later event", async () => {
    const { client, id } = await connect("&mode=protocol");
    expect(client.protocol).toBe("two");
    send(client, { action: "unheard-of" });
    await expect.poll(() => events(id)).toHaveLength(2);
    client.close(1000, "enough");
    await expect.poll(() => events(id)).toHaveLength(3);
    const authorizer = {
      principalId: `reader-${readers}`,
      reader: `reader-${readers}`,
      level: "3",
    };
    const common = {
      connectionId: id,
      apiId: "Fixture-Sockets",
      stage: "live",
      messageDirection: "IN",
      identity: { sourceIp: "127.0.0.1" },
      authorizer,
    };
    expect(events(id)).toMatchObject([
      {
        queryStringParameters: { mode: "protocol" },
        requestContext: { ...common, eventType: "CONNECT", routeKey: "$connect" },
      },
      {
        body: '{"action":"unheard-of"}',
        isBase64Encoded: false,
        requestContext: { ...common, eventType: "MESSAGE", routeKey: "$default" },
      },
      {
        requestContext: {
          ...common,
          eventType: "DISCONNECT",
          routeKey: "$disconnect",
          disconnectStatusCode: 1000,
          disconnectReason: "enough",
        },
      },
    ]);
  });

  test.each([
    ["without the identity", "", 401],
    ["when the authorizer knows nobody", "?token=nobody", 401],
    ["when the authorizer denies", "?token=deny", 403],
    ["when the authorizer fails", "?token=broken", 500],
    ["when the authorizer answers no policy", "?token=strange", 500],
    ["when $connect says no", "?token=t&mode=refuse", 418],
    ["when $connect fails", "?token=t&mode=throw", 502],
  ])("is refused %s", async (_name, query, status) => {
    expect(await refusal(query)).toBe(status);
  });

  test("is refused on another path, and is not HTTP", async () => {
    expect(await refusal("2?token=t")).toBe(403);
    expect((await fetch(`${cloud.url}/live`)).status).toBe(404);
    const offer = { connection: "Upgrade", upgrade: "h2c" };
    const [answer] = await once(get(`${cloud.url}/live`, { headers: offer }), "response");
    expect(answer.resume().statusCode).toBe(404);
  });

  test("works from a browser's own client", async () => {
    const browser = new WebSocket(`${cloud.webSocketUrl}?token=browser`);
    await new Promise((opened) => browser.addEventListener("open", opened));
    const answer = new Promise((heard) =>
      browser.addEventListener("message", ({ data }) => heard(data)),
    );
    browser.send("hello");
    expect(await answer).toBe("echo hello");
    browser.close();
  });
});

describe("a message", () => {
  test("runs the route that it names, or $default", async () => {
    const { client, id, received } = await connect();
    send(client, { action: "echo", n: 1 });
    await expect.poll(() => received).toEqual(['echo {"action":"echo","n":1}']);
    send(client, "no JSON");
    await expect.poll(() => received).toContain("echo no JSON");
    send(client, { action: "$connect" });
    await expect.poll(() => received).toHaveLength(3);
    const keys = events(id).map(({ requestContext }) => requestContext.routeKey);
    expect(keys).toEqual(["$connect", "echo", "$default", "$default"]);
  });

  test("whose function fails is told so", async () => {
    const { client, id, received } = await connect();
    send(client, { action: "fail" });
    await expect.poll(() => received).toHaveLength(1);
    expect(JSON.parse(received[0] ?? "")).toMatchObject({
      message: "Internal server error",
      connectionId: id,
      requestId: expect.any(String),
    });
  });

  test("is limited to 128 KB in frames of 32 KB", async () => {
    const parts = await connect();
    const quarter = "x".repeat(32 * 1024);
    for (const fin of [false, false, false, true]) parts.client.send(quarter, { fin });
    await expect.poll(() => parts.received[0]?.length).toBe("echo ".length + 128 * 1024);

    for (const fin of [false, false, false, false, true]) parts.client.send(quarter, { fin });
    expect(await parts.closed).toMatchObject([1009, expect.any(String)]);
    const frame = await connect();
    frame.client.send(`${quarter}x`);
    expect(await frame.closed).toMatchObject([1009, expect.any(String)]);
    const binary = await connect();
    binary.client.send(Buffer.from([1]));
    expect(await binary.closed).toMatchObject([1003, expect.any(String)]);
  });
});

describe("@connections", () => {
  test("lets a function answer later, by an address of its template", async () => {
    const { client, received } = await connect();
    send(client, { action: "later" });
    await expect.poll(() => received).toEqual(['{"from":"function"}']);
  });

  test("posts, describes and ends a connection, and says when it is gone", async () => {
    const {
      id: ConnectionId,
      received,
      closed,
    } = await connect("", {
      headers: { "user-agent": "test" },
    });
    await management().send(new PostToConnectionCommand({ ConnectionId, Data: "grüße" }));
    await expect.poll(() => received).toEqual(["grüße"]);
    const described = await management().send(new GetConnectionCommand({ ConnectionId }));
    expect(described).toMatchObject({
      ConnectedAt: expect.any(Date),
      LastActiveAt: expect.any(Date),
      Identity: { SourceIp: "127.0.0.1", UserAgent: "test" },
    });
    const large = { ConnectionId, Data: "x".repeat(128 * 1024 + 1) };
    await expect(management().send(new PostToConnectionCommand(large))).rejects.toMatchObject({
      name: "PayloadTooLargeException",
    });
    await management().send(new DeleteConnectionCommand({ ConnectionId }));
    expect(await closed).toEqual([1000, "Connection Closed Normally"]);
    for (const command of [
      new PostToConnectionCommand({ ConnectionId, Data: "x" }),
      new GetConnectionCommand({ ConnectionId }),
      new DeleteConnectionCommand({ ConnectionId }),
    ]) {
      const sent = management().send(command as PostToConnectionCommand);
      await expect(sent).rejects.toMatchObject({
        name: "GoneException",
        $metadata: { httpStatusCode: 410 },
      });
    }
  });
});

test("a connection ends when nothing is said for too long, or it is too old", async () => {
  const idle = await cloudForTest({ assemblyDir, webSocketLimits: { idleMs: 300 } });
  const silent = await connect("", {}, idle);
  expect(await silent.closed).toEqual([1001, "Going away"]);
  const old = await cloudForTest({ assemblyDir, webSocketLimits: { connectionMs: 300 } });
  expect(await (await connect("", {}, old)).closed).toEqual([1001, "Going away"]);
});

test("a stop ends connections, and $disconnect still runs", async () => {
  const stopped = await startTestCloud({ assemblyDir });
  const { id, closed } = await connect("", {}, stopped);
  await stopTestCloud(stopped);
  expect(await closed).toEqual([1001, "Going away"]);
  expect(events(id).at(-1)?.requestContext.routeKey).toBe("$disconnect");
});

test("the access log has a line for every event", async () => {
  const { client } = await connect();
  client.close();
  const log = () => readFileSync(join(cloud.dataDir.logs, "websocket.log"), "utf8");
  await expect.poll(log).toMatch(/CONNECT \$connect 200\n(.*\n)*DISCONNECT \$disconnect 200\n/);
});

test("a function has the addresses of this machine for those of AWS", async () => {
  const print = "export const handler = async () => process.env;";
  const Variables = { CALLBACK: address("https"), ADDRESS: address("wss") };
  const resources = {
    ...fixtureWebSocketApi({ $default: {} }),
    Gate: fixtureFunction("gate"),
    Chat: fixtureFunction("print", { Environment: { Variables } }),
  };
  const other = await cloudForTest({
    assemblyDir: writeAssembly({ resources, bundles: { gate, print } }),
  });
  expect(await other.invoke("print", {})).toMatchObject({
    CALLBACK: `${other.servicesUrl}/live`,
    ADDRESS: other.webSocketUrl,
  });
});
