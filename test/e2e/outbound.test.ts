import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server as TcpServer,
} from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { outboundCaller } from "../../adapters/outbound/outbound-caller.ts";
import type { OutboundRequest } from "../../core/outbound/outbound-caller.ts";

const local = outboundCaller({ allowLoopback: true });
const deployed = outboundCaller({ allowLoopback: false });

async function listen(server: Server | TcpServer, host = "127.0.0.1"): Promise<number> {
  server.listen(0, host);
  await once(server, "listening");
  onTestFinished(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function receiver(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(listener))}/hook?a=b`;
}

const request = (url: string, more: Partial<OutboundRequest> = {}): OutboundRequest => ({
  ...{ url, method: "POST", body: "{}", timeoutMs: 5_000, maxResponseBytes: 16_384 },
  ...more,
});

test("bytes go as they are, with a proof of who asks that only we can give", async () => {
  let seen = {};
  const url = await receiver(async (message, response) => {
    const { authorization, "content-length": length } = message.headers;
    seen = { authorization, length, body: Buffer.concat(await message.toArray()) };
    response.end();
  });
  const body = Uint8Array.from([0, 255, 13, 10]);
  await local.call(request(url, { body, authorization: "vapid t=a, k=b" }));
  expect(seen).toEqual({ authorization: "vapid t=a, k=b", length: "4", body: Buffer.from(body) });
});

test("an answer is a value: status, what little is needed of its headers, body", async () => {
  let seen = {};
  const url = await receiver(async (message, response) => {
    const chunks = await message.toArray();
    const { method, url: path, headers } = message;
    seen = { method, path, headers, body: Buffer.concat(chunks).toString() };
    response.writeHead(429, { "retry-after": "7", "content-type": "text/plain", "x-other": "1" });
    response.end("slowly, plèase");
  });
  const headers = { "webhook-id": "msg_1", "content-type": "application/json" };
  expect(await local.call(request(url, { headers, body: '{"é":1}' }))).toEqual({
    kind: "answered",
    status: 429,
    headers: { "retry-after": "7", "content-type": "text/plain" },
    body: "slowly, plèase",
    truncated: false,
    durationMs: expect.any(Number),
  });
  expect(seen).toMatchObject({
    ...{ method: "POST", path: "/hook?a=b", body: '{"é":1}' },
    headers: {
      ...headers,
      ...{ host: new URL(url).host, "content-length": "8", connection: "close" },
    },
  });
});

test("W2: a redirect to a metadata address is an answer, and is not followed", async () => {
  let calls = 0;
  const url = await receiver((_, response) => {
    calls += 1;
    response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end();
  });
  expect(await local.call(request(url))).toMatchObject({ kind: "answered", status: 302 });
  expect(calls).toBe(1);
});

test("W1: of 10 GB no more than the cap is read, and the connection is cut", async () => {
  const cut = Promise.withResolvers<number>();
  const url = await receiver((_, response) => {
    let sent = 0;
    const block = Buffer.alloc(65_536, "x");
    response.writeHead(200, { "content-length": String(10 * 2 ** 30) });
    const more = () => {
      while (!response.destroyed && response.write(block)) sent += block.length;
    };
    response.on("drain", more);
    response.on("close", () => cut.resolve(sent));
    more();
  });
  const outcome = await local.call(request(url));
  expect(outcome).toMatchObject({ kind: "answered", status: 200, truncated: true });
  expect(outcome.kind === "answered" && outcome.body).toBe("x".repeat(16_384));
  expect(await cut.promise).toBeLessThan(20_000_000);
});

describe("W1: a receiver that takes its time is given up after the time-out in all", () => {
  const slow: Record<string, () => Promise<string>> = {
    "accepts and says nothing": async () => {
      const port = await listen(createTcpServer((socket) => socket.on("error", () => {})));
      return `http://127.0.0.1:${port}/`;
    },
    "says nothing to a request": () => receiver(() => {}),
    "drips its headers": async () => {
      const server = createTcpServer(async (socket) => {
        socket.on("error", () => {});
        socket.write("HTTP/1.1 200 OK\r\n");
        for (let at = 0; !socket.destroyed; at += 1, await sleep(20))
          socket.write(`x-${at}: a\r\n`);
      });
      return `http://127.0.0.1:${await listen(server)}/`;
    },
    "drips its body": () =>
      receiver(async (_, response) => {
        response.writeHead(200);
        for (; !response.destroyed; await sleep(20)) response.write("x");
      }),
    "answers 100 Continue for ever": async () => {
      const server = createTcpServer(async (socket) => {
        socket.on("error", () => {});
        for (; !socket.destroyed; await sleep(20)) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      });
      return `http://127.0.0.1:${await listen(server)}/`;
    },
  };
  test.each(Object.entries(slow))("%s", async (_, start) => {
    const outcome = await local.call(request(await start(), { timeoutMs: 300 }));
    expect(outcome).toMatchObject({ kind: "failed", cause: "timeout" });
    expect(outcome.durationMs).toBeLessThan(3_000);
  });

  test("and a name whose look-up takes its time", async () => {
    const never = outboundCaller({ allowLoopback: false, resolve: () => new Promise(() => {}) });
    const outcome = await never.call(request("https://slow.example.com/", { timeoutMs: 100 }));
    expect(outcome).toMatchObject({ kind: "failed", cause: "timeout" });
  });
});

describe("what goes wrong is a value that says where", () => {
  test("nobody listens", async () => {
    const server = createTcpServer();
    const port = await listen(server);
    await new Promise((closed) => server.close(closed));
    expect(await local.call(request(`http://127.0.0.1:${port}/`))).toMatchObject({
      ...{ kind: "failed", cause: "connection", reason: "ECONNREFUSED" },
    });
  });

  test.each([
    ["hangs up", ""],
    ["talks nonsense", "SSH-2.0-OpenSSH\r\n\r\n"],
    ["switches protocols", "HTTP/1.1 101 Switching\r\nupgrade: a\r\nconnection: upgrade\r\n\r\n"],
    ["ends in the middle", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"],
    ["sends headers without end", `HTTP/1.1 200 OK\r\n${"x-long: header\r\n".repeat(100_000)}`],
  ])("the receiver %s", async (_, text) => {
    const server = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.end(text);
    });
    const outcome = await local.call(request(`http://127.0.0.1:${await listen(server)}/`));
    expect(outcome).toMatchObject({ kind: "failed", cause: "connection" });
  });

  test("it does not speak TLS", async () => {
    const url = (await receiver(() => {})).replace("http:", "https:");
    expect(await local.call(request(url))).toMatchObject({ kind: "failed", cause: "tls" });
  });

  test("it is given up by its caller", async () => {
    const giveUp = new AbortController();
    const url = await receiver(() => giveUp.abort());
    const outcome = await local.call(request(url, { signal: giveUp.signal }));
    expect(outcome).toMatchObject({ kind: "failed", cause: "aborted" });
  });

  test("a header that is not the caller's to set, and no call is made", async () => {
    const url = await receiver(() => expect.unreachable("it was called"));
    for (const headers of [{ host: "a" }, { "x-note": "a\r\nb: c" }]) {
      expect(await local.call(request(url, { headers }))).toMatchObject({ kind: "refused" });
    }
  });
});

describe("the address checked is the address dialled", () => {
  const resolving = (...answers: string[][]) => {
    let calls = 0;
    const resolve = async () => {
      const addresses = answers[Math.min(calls, answers.length - 1)] ?? [];
      calls += 1;
      return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    };
    return { caller: outboundCaller({ allowLoopback: true, resolve }), looked: () => calls };
  };

  test.each([
    ["127.0.0.1"],
    ["::1"],
    ["10.0.0.1"],
    ["169.254.169.254"],
    ["::ffff:10.0.0.1"],
    ["64:ff9b::a00:1"],
    ["fd00:ec2::254"],
    ["93.184.216.34", "10.0.0.1"],
    ["10.0.0.1", "93.184.216.34"],
    [],
  ])("a name that leads to %s is refused, even where loopback is allowed", async (...addresses) => {
    const { caller } = resolving(addresses);
    const outcome = await caller.call(request("https://hooks.example.com/"));
    expect(outcome).toMatchObject({ kind: "refused" });
  });

  test("a name that says it is this machine must lead to it", async () => {
    const { caller } = resolving(["93.184.216.34"]);
    const outcome = await caller.call(request("http://receiver.localhost:1/"));
    expect(outcome).toMatchObject({ kind: "refused" });
  });

  test("it is looked up at every attempt, and what was found then is dialled", async () => {
    const hosts: unknown[] = [];
    const port = new URL(
      await receiver((message, response) => {
        hosts.push(message.headers.host);
        response.end();
      }),
    ).port;
    const { caller, looked } = resolving(["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]);
    const url = `http://receiver.localhost:${port}/`;
    const kinds = [];
    for (let at = 0; at < 3; at += 1) kinds.push((await caller.call(request(url))).kind);
    expect(kinds).toEqual(["answered", "refused", "answered"]);
    expect(looked()).toBe(3);
    expect(hosts).toEqual(Array(2).fill(`receiver.localhost:${port}`));
  });

  test("a failed look-up is no call", async () => {
    const resolve = async () => {
      throw Object.assign(new Error("no"), { code: "ENOTFOUND" });
    };
    const caller = outboundCaller({ allowLoopback: false, resolve });
    const outcome = await caller.call(request("https://gone.example.com/"));
    expect(outcome).toMatchObject({ kind: "failed", cause: "dns" });
  });

  test("deployed, this machine is not called, nor is anything by an environment's proxy", async () => {
    const url = await receiver(() => expect.unreachable("it was called"));
    expect(await deployed.call(request(url))).toMatchObject({ kind: "refused" });
    const proxy = await receiver(() => expect.unreachable("the proxy was called"));
    process.env.HTTP_PROXY = process.env.HTTPS_PROXY = proxy;
    onTestFinished(() => {
      delete process.env.HTTP_PROXY;
      delete process.env.HTTPS_PROXY;
    });
    const direct = await receiver((_, response) => void response.writeHead(204).end());
    expect(await local.call(request(direct))).toMatchObject({ kind: "answered", status: 204 });
  });
});
