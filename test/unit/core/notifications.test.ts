import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CreatorId, ReaderId } from "../../../core/contracts/ids.ts";
import { putFollowerSchema } from "../../../core/contracts/notification-bodies.ts";
import { composeMail } from "../../../core/notifications/compose-mail.ts";
import { composePush } from "../../../core/notifications/compose-push.ts";
import { chunkOf } from "../../../core/notifications/fan-out-chunk.ts";
import {
  type Chain,
  type FanoutPlan,
  isDone,
  remainderOf,
  summarize,
} from "../../../core/notifications/fanout.ts";
import {
  addCounts,
  changedFollower,
  changeOfCounts,
  type Follower,
  maskAddress,
  noFollowers,
  presentFollower,
  stoppedFollower,
} from "../../../core/notifications/follower.ts";
import { articleOfPublishPath } from "../../../core/notifications/publish-path.ts";
import { tallyOf } from "../../../core/notifications/tally.ts";
import {
  type PassDeps,
  type Provider,
  tellReaders,
  whatIsLeft,
} from "../../../core/notifications/tell-readers.ts";
import type { Told } from "../../../core/notifications/told-store.ts";

const ids = { creatorId: "ada" as CreatorId, readerId: "r1" as ReaderId };
const at = (ms: number) => new Date(ms).toISOString();
const body = (channels: object) => putFollowerSchema.parse({ channels });
const emailAt = (ms: number) => ({ email: { address: "grace@example.com", consentedAt: at(ms) } });

describe("a follower", () => {
  const follower = changedFollower(undefined, ids, body(emailAt(1_000)), 5_000);

  test("is told by the channels of the latest PUT only", () => {
    const inbox = { inbox: { consentedAt: at(2_000) } };
    const changed = changedFollower(follower, ids, body(inbox), 6_000);
    expect(changed).toEqual({
      ...{ ...ids, inbox: { consentedAtMs: 2_000 }, stops: {} },
      ...{ updatedAtMs: 6_000, revision: 2 },
    });
  });

  test("who ended a channel comes back by a later consent only", () => {
    const stopped = stoppedFollower(follower, "email", { reason: "unsubscribed", atMs: 10_000 });
    expect(JSON.stringify(stopped)).not.toContain("grace");
    const without = changedFollower(stopped, ids, body({}), 10_500);
    const earlier = changedFollower(without, ids, body(emailAt(10_000)), 11_000);
    expect([earlier.email, earlier.stops.email?.reason]).toEqual([undefined, "unsubscribed"]);
    const later = changedFollower(earlier, ids, body(emailAt(10_001)), 12_000);
    expect([later.email?.address, later.stops]).toEqual(["grace@example.com", {}]);
  });

  test("is shown without the address", () => {
    const shown = (hints: boolean) => JSON.stringify(presentFollower(follower, { hints }));
    expect(shown(false)).not.toMatch(/grace|example/);
    expect(shown(true)).toContain('"address":"g…@e….com"');
    expect([maskAddress("x@localhost"), maskAddress("ä@müller.de")]).toEqual(["…", "ä…@m….de"]);
  });

  test("is counted: the sums of all changes are what there is", () => {
    const channels = fc.record({
      email: fc.boolean(),
      inbox: fc.boolean(),
    });
    const states = fc.array(fc.option(channels, { nil: undefined }), { maxLength: 8 });
    const made = (has: { email: boolean; inbox: boolean } | undefined): Follower | undefined =>
      has && {
        ...{ ...ids, stops: {}, updatedAtMs: 1, revision: 1 },
        ...(has.email && { email: { address: "a@b.c", consentedAtMs: 1 } }),
        ...(has.inbox && { inbox: { consentedAtMs: 1 } }),
      };
    fc.assert(
      fc.property(states, (list) => {
        const followers = [undefined, ...list.map(made)];
        const changes = followers
          .slice(1)
          .map((after, index) => changeOfCounts(followers[index], after));
        const last = followers.at(-1);
        expect(changes.reduce(addCounts, noFollowers)).toEqual(changeOfCounts(undefined, last));
      }),
    );
  });
});

const failed = { state: "failed", reason: "rejected" } as const;
const plan: FanoutPlan = {
  ...{ jobId: "job", articleId: "a" as FanoutPlan["articleId"], expiresAtMs: 1 },
  ...{ title: "<b>\r\nBcc: x", url: 'https://example.com/?a=1&b="2"' },
  creators: [{ creatorId: ids.creatorId, name: "Ada & Co" }],
};

describe("a message", () => {
  test("is escaped, on one line where it is a header, and can be unsubscribed from", () => {
    const mail = composeMail(plan, ids.creatorId, "https://api.example.com/v1/unsubscribe?token=t");
    expect(mail.subject).toBe("<b>  Bcc: x");
    expect(mail.html).toContain("Ada &amp; Co published something new");
    expect(mail.html).toContain('href="https://example.com/?a=1&amp;b=&quot;2&quot;"');
    expect(mail.html).not.toMatch(/<b>/);
    expect(mail.headers).toEqual({
      "List-Unsubscribe": "<https://api.example.com/v1/unsubscribe?token=t>",
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    });
  });

  test("fits into what a push service takes, however long it is", () => {
    const long = {
      ...plan,
      title: "é".repeat(500),
      excerpt: "é".repeat(500),
      url: `https://e.com/${"x".repeat(2_030)}`,
    };
    const push = composePush(long, ids.creatorId, "tag");
    // 4,096 bytes, less what encryption adds.
    expect(Buffer.byteLength(push)).toBeLessThan(3_993);
    expect(JSON.parse(push)).toMatchObject({ tag: "tag", by: "Ada & Co" });
  });
});

describe("a chunk", () => {
  const readers = ["r1", "r2", "r3", "r4", "r5"] as ReaderId[];
  const told = (chunk: string, outcome: Told["outcome"]): Told => ({
    chunk,
    outcome,
    atMs: 1,
    attempt: 1,
  });

  test("is the last when it is not full", () => {
    const page = readers.slice(0, 2).map((readerId) => ({
      ...{ ...ids, readerId, stops: {}, updatedAtMs: 1, revision: 1 },
      inbox: { consentedAtMs: 1 },
    }));
    expect(chunkOf(page, 2)).toEqual({
      readers: { email: [], webPush: [], inbox: ["r1", "r2"] },
      last: "r2",
    });
    expect(chunkOf(page, 3).last).toBeUndefined();
  });

  test("is tallied by its own marks; who was told by another was told before", () => {
    const marks = new Map<ReaderId, Told>([
      [readers[0] as ReaderId, told("own", { state: "sent" })],
      [readers[1] as ReaderId, told("other", { state: "sent" })],
      [readers[2] as ReaderId, told("own", { state: "claimed" })],
      [readers[3] as ReaderId, told("other", { state: "claimed" })],
    ]);
    const tally = tallyOf(readers, marks, "own");
    expect(tally).toEqual({
      sent: 1,
      "skipped.told-before": 2,
      "failed.unknown": 1,
      "failed.gave-up": 1,
    });
  });
});

test.each<[string, Partial<Told>, string]>([
  ["sent by anybody", { outcome: { state: "sent" }, chunk: "other" }, "nothing"],
  ["failed, by another chunk", { outcome: failed, chunk: "other" }, "tell"],
  ["failed, by this one", { outcome: failed }, "nothing"],
  ["claimed just now, by this chunk", { atMs: 11 }, "wait"],
  ["claimed just now, by another", { atMs: 11, chunk: "other" }, "nothing"],
  ["claimed, and not heard of since", {}, "tell"],
  ["claimed by another, and not heard of since", { chunk: "other" }, "tell"],
  ["claimed four times, and never heard of", { attempt: 4 }, "give-up"],
])("a reader's mark: %s", (_name, mark, left) => {
  const claimed: Told = { outcome: { state: "claimed" }, chunk: "own", atMs: 10, attempt: 1 };
  expect(whatIsLeft({ ...claimed, ...mark }, "own", 10)).toBe(left);
});

test("nobody is told through a provider that the stage does not have, and that is said", async () => {
  const provider = { channel: "email", rate: undefined } as Provider;
  const readerIds = ["r1", "r2"] as ReaderId[];
  const pass = { plan, id: { ...ids, jobId: "job", shard: 0, chunk: 0 }, readerIds } as never;
  const { decided } = await tellReaders({ provider } as PassDeps, pass);
  expect(tallyOf(readerIds, new Map(), "own", decided)).toEqual({ "skipped.not-set-up": 2 });
});

describe("a job's sums", () => {
  const chain = (change: Partial<Chain>): Chain => ({
    ...{
      expected: noFollowers,
      opened: noFollowers,
      parts: 0,
      closed: 0,
      ended: true,
      tallies: {},
    },
    ...change,
  });

  test("are done when every chain has ended and every part of it has a result", () => {
    expect(isDone([])).toBe(true);
    expect(isDone([chain({ parts: 3, closed: 3 })])).toBe(true);
    expect(isDone([chain({ parts: 3, closed: 2 })])).toBe(false);
    expect(isDone([chain({}), chain({ ended: false })])).toBe(false);
  });

  test("count by channel, with reasons beside", () => {
    const email = { sent: 2, "skipped.gone": 1, "failed.rejected": 1 };
    const expected = { ...noFollowers, email: 5 };
    const sums = summarize([
      chain({ tallies: { email }, expected }),
      chain({ tallies: { email } }),
    ]);
    expect(sums).toMatchObject({ expected: 5, sent: 4, skipped: 2, failed: 2 });
    expect(sums.counts).toMatchObject({ "email.sent": 4, "email.skipped": 2, "inbox.sent": 0 });
    expect(sums.reasons).toEqual({ "email.skipped.gone": 2, "email.failed.rejected": 2 });
  });

  test("leave nobody out who was expected when a chain ends early", () => {
    const expected = { followers: 9, email: 5, webPush: 2, inbox: 1 };
    const opened = { followers: 0, email: 2, webPush: 2, inbox: 3 };
    expect(remainderOf({ expected, opened })).toEqual([{ channel: "email", left: 3 }]);
  });
});

test("an article's id may hold slashes, and what is not published is not found", () => {
  expect(articleOfPublishPath("a/b/publish")).toBe("a/b");
  expect(articleOfPublishPath("publish/publish")).toBe("publish");
  expect(() => articleOfPublishPath("a/b")).toThrow("There is no route");
  expect(() => articleOfPublishPath("/publish")).toThrow("articleId");
});
