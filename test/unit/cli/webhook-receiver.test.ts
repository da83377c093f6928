import { Webhook } from "standardwebhooks";
import { describe, expect, onTestFinished, test } from "vitest";
import { parseWords } from "../../../cli/program/command.ts";
import { options, readOptions } from "../../../cli/webhook-receiver/command.ts";
import { receive } from "../../../cli/webhook-receiver/receive.ts";
import { UsageError } from "../../../local/cli/options.ts";

const parse = (args: string[]) => readOptions(parseWords(args, options).values);
const secretOf = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString("base64")}`;

async function start(...args: string[]) {
  const said: string[] = [];
  const stop = new AbortController();
  const listening = Promise.withResolvers<string>();
  const done = receive(
    parse(["--port", "0", ...args]),
    (text) => {
      said.push(text);
      listening.resolve(text.split(" at ")[1] ?? "");
    },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await done;
  });
  const url = await listening.promise;
  const send = async (secret: string, text = '{"type":"ping"}') => {
    const at = new Date();
    const headers = {
      "webhook-id": "msg-1",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": new Webhook(secret).sign("msg-1", at, text),
    };
    return (await fetch(url, { method: "POST", headers, body: text })).status;
  };
  return { said, done, url, send };
}

describe("webhook-receiver", () => {
  test("shows what comes, and whether one of its secrets signed it", async () => {
    const { said, send } = await start("--secret", secretOf(1), "--secret", secretOf(2));
    expect(await send(secretOf(2))).toBe(200);
    expect(await send(secretOf(3))).toBe(401);
    expect(said.slice(1)).toEqual([
      expect.stringMatching(/ verified, answered 200 {2}\/ {2}msg-1\n\{"type":"ping"\}$/),
      expect.stringMatching(/ wrong signature, answered 401 /),
    ]);
  });

  test("answers as it is told to, and stops after as many messages as it was to receive", async () => {
    const { send, done, url } = await start("--status", "500", "--count", "1");
    expect((await fetch(url)).status).toBe(405);
    expect(await send(secretOf(1))).toBe(500);
    await done;
  });

  test("says when its port is taken", async () => {
    const { url } = await start();
    const taken = parse(["--port", new URL(url).port]);
    await expect(receive(taken, () => {}, AbortSignal.abort())).rejects.toThrow(
      /cannot listen on port \d+: EADDRINUSE/,
    );
  });

  test.each([
    [["--port", "http"], "--port"],
    [["--status", "99"], "--status"],
    [["--delay", "-1"], "--delay"],
    [["--count", "0"], "--count"],
    [["--secret", "mine"], "--secret"],
  ])("refuses %j, and says what to change", (args, named) => {
    const read = () => parse([args.join("=")]);
    expect(read).toThrow(UsageError);
    expect(read).toThrow(named);
  });
});
