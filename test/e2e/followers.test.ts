import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { type JobClient, jobClient } from "./support/job-client.ts";
import {
  addressOf,
  consentedAt,
  email,
  inbox,
  type NotificationClient,
  notificationClient,
} from "./support/notification-client.ts";

let cloud: TestCloud;
let api: ApiClient;
let client: NotificationClient;
let jobs: JobClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  client = notificationClient(cloud, api);
  jobs = jobClient(api);
});
afterAll(() => stopTestCloud(cloud));

const subscription = (endpoint: string, keys = {}) => ({
  endpoint,
  keys: { p256dh: `B${"A".repeat(86)}`, auth: "A".repeat(22), ...keys },
});
const push = (endpoint: string, keys = {}) => ({
  webPush: { subscription: subscription(endpoint, keys), consentedAt },
});

describe("followers", () => {
  test("are counted for their creator and listed for the publisher, addresses masked", async () => {
    const readers = readerIds(25, "list");
    for (const reader of readers) await client.follow("list", reader, { email: email(reader) });
    await client.follow("list", "list-0", { inbox });
    await client.unfollow("list", "list-1");
    const counts = { followers: 24, channels: { email: 23, webPush: 0, inbox: 1 } };
    const path = "/v1/creators/list/followers?limit=10";
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 3; page += 1) {
      const { body } = await api.call("GET", path + cursor, { token: api.publisher });
      expect(body).toMatchObject(counts);
      seen.push(...body.items.map(({ readerId }: { readerId: string }) => readerId));
      if (body.nextCursor) cursor = `&cursor=${body.nextCursor}`;
      const masked = body.items.flatMap((one: { channels: { email?: { address: string } } }) =>
        one.channels.email ? [one.channels.email.address] : [],
      );
      expect(new Set(masked)).toEqual(new Set(["l…@e….com"]));
    }
    expect(seen.sort()).toEqual(readers.filter((one) => one !== "list-1").sort());

    const own = await cloud.mintToken({ role: "creator", id: "list" });
    expect((await api.call("GET", path, { token: own })).body).toEqual({
      creatorId: "list",
      ...counts,
    });
    const other = await cloud.mintToken({ role: "creator", id: "someone" });
    expect((await api.call("GET", path, { token: other })).status).toBe(404);
  });

  test("a PATCH adds or ends a channel, and keeps the others and their addresses", async () => {
    const path = "/v1/creators/part/followers/r1";
    expect((await client.change("PATCH", path, { channels: { inbox } })).status).toBe(404);
    await client.change("PUT", path, { channels: { email: email("part") } });
    const added = await client.change("PATCH", path, { channels: { inbox } });
    expect(added.body.channels).toMatchObject({ email: { state: "on" }, inbox: { state: "on" } });
    const ended = await client.change("PATCH", path, { channels: { inbox: null } });
    expect(Object.keys(ended.body.channels)).toEqual(["email"]);
    const list = "/v1/creators/part/followers";
    expect((await api.call("GET", list, { token: api.publisher })).body).toMatchObject({
      channels: { email: 1, webPush: 0, inbox: 0 },
      items: [{ channels: { email: { address: "p…@e….com" } } }],
    });
    expect((await client.change("PATCH", path, { channels: { sms: {} } })).status).toBe(400);
  });

  test("I6: a change is answered again, without the address", async () => {
    const path = "/v1/creators/idem/followers/r1";
    const body = { channels: { email: email("idem"), ...push("http://127.0.0.1:9/x") } };
    const answers = [
      await client.change("PUT", path, body, "same"),
      await client.change("PUT", path, body, "same"),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual({
        ...{ creatorId: "idem", readerId: "r1" },
        channels: {
          email: { state: "on", consentedAt: "2025-01-01T00:00:00.000Z" },
          webPush: { state: "on", consentedAt: "2025-01-01T00:00:00.000Z" },
        },
      });
    }
    const deleted = await client.change("DELETE", path);
    expect([deleted.status, deleted.body.channels]).toEqual([200, {}]);
    expect(await client.followersOf("idem")).toMatchObject({ followers: 0, items: [] });
  });

  test.each<[string, object, string]>([
    [
      "a name beside the address",
      { email: { address: "A <zoe@secret.example>", consentedAt } },
      "email.address",
    ],
    [
      "two addresses",
      { email: { address: "zoe@secret.example,bob@secret.example", consentedAt } },
      "email.address",
    ],
    [
      "a line break",
      { email: { address: "zoe@secret.example\r\nBcc: bob@secret.example", consentedAt } },
      "email.address",
    ],
    ["no consent", { email: { address: "zoe@secret.example" } }, "email.consentedAt"],
    [
      "a consent of the future",
      { inbox: { consentedAt: "2999-01-01T00:00:00Z" } },
      "inbox.consentedAt",
    ],
    ["an unknown channel", { sms: { number: "1" } }, "sms"],
    [
      "a push service on the metadata address",
      push("http://169.254.169.254/x"),
      "webPush.subscription.endpoint",
    ],
    [
      "a push service in a private network",
      push("https://10.0.0.1/x"),
      "webPush.subscription.endpoint",
    ],
    [
      "a push service without TLS",
      push("http://push.example.com/x"),
      "webPush.subscription.endpoint",
    ],
    [
      "a key that is none",
      push("https://push.example.com/x", { auth: "AAAA" }),
      "webPush.subscription.keys.auth",
    ],
  ])("are refused with %s", async (_name, channels, field) => {
    const path = "/v1/creators/bad/followers/r1";
    const { status, body } = await client.change("PUT", path, { channels });
    expect([status, body.errors?.[0]?.field]).toEqual([400, `channels.${field}`]);
    expect(JSON.stringify(body)).not.toContain("zoe@secret.example");
    expect(await client.followersOf("bad")).toMatchObject({ followers: 0 });
  });

  test("are pseudonyms", async () => {
    const answer = await client.change("PUT", "/v1/creators/bad/followers/zoe@secret.example", {
      channels: {},
    });
    expect(answer.status).toBe(400);
  });
});

describe("a reader unsubscribes", () => {
  async function toldOnce(article: string, creator: string, reader: string) {
    await api.putArticle(article, creator);
    await client.follow(creator, reader, { email: email(reader), inbox });
    await jobs.finished(await client.publish(article, { excerpt: "<i>Once</i> & more" }));
    const [mail] = await client.mailsTo(addressOf(reader));
    return mail ?? expect.unreachable("there is no mail");
  }

  const linkIn = (text: string) => /Unsubscribe: (\S+)/.exec(text)?.[1] ?? "";

  test("by the link of an e-mail, after a page that asks", async () => {
    const named = await api.call("PUT", "/v1/creators/cleo", {
      ...{ token: api.publisher, body: { name: "Cleo & Co" } },
      headers: { "idempotency-key": "cleo" },
    });
    expect(named.status).toBe(200);
    const mail = await toldOnce("leave-1", "cleo", "leaver");
    expect(mail.html).toContain("&lt;i&gt;Once&lt;/i&gt; &amp; more");
    const link = linkIn(mail.text);
    expect(await client.eml(mail)).toContain(`List-Unsubscribe: <${link}>\r\n`);
    expect(await client.eml(mail)).toContain(
      "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
    );

    const asked = await fetch(link);
    expect([asked.status, asked.headers.get("content-type")]).toEqual([
      200,
      "text/html; charset=utf-8",
    ]);
    const question = await asked.text();
    expect(question).toContain('<form method="post"');
    expect(question).toContain("what Cleo &amp; Co publishes");
    expect((await client.followersOf("cleo")).channels).toMatchObject({ email: 1 });

    // As mail programs do it, again and again.
    for (const _ of [1, 2]) {
      const done = await fetch(link, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: "List-Unsubscribe=One-Click",
      });
      expect([done.status, await done.text()]).toEqual([
        200,
        expect.stringContaining("unsubscribed"),
      ]);
    }
    // Nothing is left to ask.
    const after = await (await fetch(link)).text();
    expect(after).toContain("You are unsubscribed");
    const { channels, items } = await client.followersOf("cleo");
    expect(channels).toEqual({ email: 0, webPush: 0, inbox: 1 });
    expect(items[0].channels.email).toMatchObject({ state: "unsubscribed" });

    await api.putArticle("leave-2", "cleo");
    const job = await jobs.finished(await client.publish("leave-2"));
    expect(job.result).toMatchObject({ "email.sent": 0, "inbox.sent": 1 });
  });

  test("and stays so until they agree anew", async () => {
    const mail = await toldOnce("back-1", "dora", "returner");
    await fetch(linkIn(mail.text), { method: "POST" });
    const stale = await client.follow("dora", "returner", { email: email("returner") });
    expect(stale.channels.email).toMatchObject({ state: "unsubscribed" });
    const again = { address: addressOf("returner"), consentedAt: new Date().toISOString() };
    const anew = await client.follow("dora", "returner", { email: again });
    expect(anew.channels.email).toMatchObject({ state: "on" });
  });

  test("but nobody else can do it for them", async () => {
    const mail = await toldOnce("forge-1", "eve", "kept");
    const url = new URL(linkIn(mail.text));
    const [text = "", mac = ""] = (url.searchParams.get("token") ?? "").split(".");
    const other = Buffer.from(JSON.stringify(["eve", "other", "email"])).toString("base64url");
    for (const token of ["", "x", text, `${other}.${mac}`, `${text}.${mac}.x`, `${text}.`]) {
      url.searchParams.set("token", token);
      const answer = await fetch(url, { method: "POST" });
      expect([answer.status, token]).toEqual([400, token]);
    }
    expect((await client.followersOf("eve")).channels).toMatchObject({ email: 1 });
  });
});

test.each([
  ["bounce", "bounced"],
  ["complaint", "complained"],
])("an address that answers with a %s is not written to again", async (what, state) => {
  const address = `${what}+1@simulator.amazonses.com`;
  await api.putArticle(`${what}-1`, what);
  await client.follow(what, "reader", { email: { address, consentedAt } });
  await jobs.finished(await client.publish(`${what}-1`));
  await cloud.waitUntilIdle();
  const { channels, items } = await client.followersOf(what);
  expect([channels.email, items[0].channels.email]).toMatchObject([0, { state }]);
});
