import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AcceptedEngagement, engagementsAccepted } from "../../../core/contracts/events.ts";
import type { ArticleId, CreatorId, ReaderId } from "../../../core/contracts/ids.ts";
import { moderationStates } from "../../../core/contracts/kinds.ts";
import { type CountDeps, countEngagements } from "../../../core/earnings/count-engagements.ts";
import type { CountOnce, Decision } from "../../../core/earnings/count-once.ts";
import { effectOfLines } from "../../../core/earnings/counter.ts";
import { impressionKeyOf, readerDayIn } from "../../../core/earnings/impression-key.ts";
import { parseLineKey } from "../../../core/earnings/line.ts";
import { noHistory, type RecordedEngagement } from "../../../core/earnings/reader-history.ts";
import { releaseHolds } from "../../../core/earnings/release-holds.ts";
import {
  type Moderation,
  moderateComments,
  moderationOf,
} from "../../../core/reviews/moderate-comments.ts";
import { hourMs } from "../../../core/values/time.ts";
import { sha256 } from "./arbitraries.ts";
import { memoryRegistry } from "./memory-registry.ts";
import { MemoryReviews } from "./memory-reviews.ts";

const pacing = { sleep: async () => {}, random: () => 0.5 };
const never = Number.MAX_SAFE_INTEGER;
const comment = { reader: "r1", articleId: "a" };
const amounts = [
  { micros: 600n, fee: 60n },
  { micros: 400n, fee: 40n },
];

/** A comment that waits, of two creators. */
function waiting(): MemoryReviews {
  const world = new MemoryReviews();
  world.count({ ...comment, state: "held", reason: "unmoderated", amounts });
  return world;
}

function moderate(world: MemoryReviews, moderation: Moderation, deadlineMs = never) {
  const { table, clock } = world;
  const deps = { table, clock, pacing, poolOpenMs: 0 };
  return moderateComments(deps, new Map([[world.keyOf(comment), moderation]]), deadlineMs);
}

const freeHolds = (world: MemoryReviews) =>
  releaseHolds({ table: world.holds, clock: world.clock, pacing, holdMs: 24 * hourMs }, never);

function linesOf(world: MemoryReviews) {
  return [...world.counters.values()].map(({ counted }) =>
    [...counted.keys()].map((key) => {
      const { movement, reason } = parseLineKey(key);
      return `${movement} ${reason}`;
    }),
  );
}

const moneyOf = (world: MemoryReviews) =>
  [...world.counters.values()].map(({ counted }) => effectOfLines(counted));

describe("a comment that was moderated after it was counted", () => {
  test("is paid at once when it was approved", async () => {
    const world = waiting();
    const key = world.keyOf(comment);
    expect(await moderate(world, "approved")).toEqual({ changed: 1, failed: [] });
    expect(world.keys.get(key)).toMatchObject({ state: "paid", reason: undefined });
    const lines = ["held unmoderated", "freed unmoderated"];
    expect(linesOf(world)).toEqual([lines, lines]);
    expect(moneyOf(world)).toMatchObject([{ payable: 600n, held: 0n }, { payable: 400n }]);
    expect(world.tally.states).toEqual(
      new Map([
        ["held.unmoderated", 0],
        ["paid", 1],
      ]),
    );
    expect(world.progress).toEqual(new Map());
  });

  test("is never paid when it was rejected", async () => {
    const world = waiting();
    expect(await moderate(world, "rejected")).toEqual({ changed: 1, failed: [] });
    expect(world.keys.get(world.keyOf(comment))).toMatchObject({
      ...{ state: "void", reason: "comment_rejected" },
    });
    const lines = ["held unmoderated", "dropped unmoderated"];
    expect(linesOf(world)).toEqual([lines, lines]);
    expect(moneyOf(world)).toMatchObject([{ payable: 0n, held: 0n, fee: 0n }, { held: 0n }]);
    world.settle(24 * hourMs);
    world.nowMs += 25 * hourMs;
    expect(await freeHolds(world)).toMatchObject({ freed: 0, freedMicros: 0n });
  });

  test("gives back what time had freed when it was rejected", async () => {
    const world = waiting();
    const key = world.keyOf(comment);
    world.settle(24 * hourMs);
    world.nowMs += 25 * hourMs;
    await freeHolds(world);
    expect(moneyOf(world)).toMatchObject([{ payable: 600n }, { payable: 400n }]);
    const { table, clock } = world;
    const deps = { table, clock, pacing, poolOpenMs: 0 };
    await moderateComments(deps, new Map([[key, "rejected"]]), never);
    expect(moneyOf(world)).toMatchObject([
      { payable: 0n, fee: 0n },
      { payable: 0n, fee: 0n },
    ]);
    expect(linesOf(world)[0]).toContain("voided comment_rejected");
  });

  test("that time had freed is decided by an approval: no later word takes it back", async () => {
    const world = waiting();
    const key = world.keyOf(comment);
    world.settle(24 * hourMs);
    world.nowMs += 25 * hourMs;
    await freeHolds(world);
    const { table, clock } = world;
    const deps = { table, clock, pacing, poolOpenMs: 0 };
    const say = (moderation: Moderation) =>
      moderateComments(deps, new Map([[key, moderation]]), never);
    expect(await say("approved")).toMatchObject({ changed: 1 });
    expect(await say("rejected")).toMatchObject({ changed: 0 });
    expect(moneyOf(world)).toMatchObject([{ payable: 600n }, { payable: 400n }]);
    expect(world.keys.get(key)).toMatchObject({ state: "paid" });
  });

  test("changes once, however often and by how many it is told, and by the first word", async () => {
    const words = fc.array(fc.constantFrom<Moderation>("approved", "rejected"), { minLength: 2 });
    await fc.assert(
      fc.asyncProperty(words, fc.infiniteStream(fc.nat(4)), async (all, luck) => {
        const world = waiting();
        const key = world.keyOf(comment);
        const die = async () => {
          if (luck.next().value === 0) throw new Error("killed");
        };
        world.between = die;
        world.after = die;
        const rounds = await Promise.all(all.map((word) => moderate(world, word)));
        world.between = async () => {};
        world.after = async () => {};
        const before = world.keys.get(key);
        for (const [index, { failed }] of rounds.entries()) {
          // Whoever could not tell is told again.
          if (failed.length > 0) await moderate(world, all[index] ?? "approved");
        }
        expect(world.moderated.get(key)).toBe(1);
        const after = world.keys.get(key);
        if (before?.state !== "held") expect(after).toEqual(before);
        const paid = after?.state === "paid";
        expect(moneyOf(world)).toMatchObject([
          { payable: paid ? 600n : 0n, held: 0n },
          { payable: paid ? 400n : 0n, held: 0n },
        ]);
      }),
      { numRuns: 200 },
    );
  });

  test("is left for the next delivery when time is up, or the key is contended for too long", async () => {
    const late = waiting();
    expect(await moderate(late, "approved", late.nowMs)).toEqual({
      ...{ changed: 0, failed: [late.keyOf(comment)] },
    });
    const broken = waiting();
    broken.between = async () => {
      throw new Error("no table");
    };
    expect(await moderate(broken, "rejected")).toMatchObject({ failed: [broken.keyOf(comment)] });
  });

  test("waits on when approved, and earns nothing when rejected, if held for something else", async () => {
    const held = () => {
      const world = new MemoryReviews();
      world.count({ ...comment, state: "held", reason: "over_rate", amounts });
      return world;
    };
    expect(await moderate(held(), "approved")).toEqual({ changed: 0, failed: [] });
    expect(await moderate(held(), "rejected")).toEqual({ changed: 1, failed: [] });
  });

  test("is left alone when it is forgotten", async () => {
    const forgotten = waiting();
    const key = forgotten.keyOf(comment);
    forgotten.nowMs += 92 * 24 * hourMs;
    const deps = { table: forgotten.table, clock: forgotten.clock, pacing, poolOpenMs: 0 };
    const outcome = await moderateComments(deps, new Map([[key, "rejected"]]), never);
    expect(outcome).toEqual({ changed: 0, failed: [] });
  });
});

describe("reports of one comment in one batch", () => {
  const nowMs = Date.parse("2028-02-27T12:00:00Z");
  const articleId = "a" as ArticleId;
  const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;

  function said(moderation: AcceptedEngagement["comment"] | undefined, channel = "publisher") {
    return {
      ...{ articleId, readerId: "r1" as ReaderId, kind: "comment", occurredAtMs: nowMs, channel },
      ...(moderation && { comment: moderation }),
    } as AcceptedEngagement;
  }
  const short = (moderation: (typeof moderationStates)[number]) =>
    said({ length: "short", moderation });

  const delivery = (id: string, engagements: readonly AcceptedEngagement[]) => {
    const detail = { schemaVersion: 2, traceparent, acceptedAtMs: nowMs, engagements };
    const { source, detailType } = engagementsAccepted;
    return { id, body: JSON.stringify({ source, "detail-type": detailType, detail }) };
  };

  /** Counts, and keeps the decisions: `known` is what the reader's history says of the comment. */
  async function count(
    reports: readonly AcceptedEngagement[],
    known?: Partial<RecordedEngagement>,
    between = async () => {},
  ) {
    const registry = memoryRegistry(nowMs);
    await registry.putArticle(articleId, { title: "A", creatorId: "c" as CreatorId });
    const world = new MemoryReviews();
    world.nowMs = nowMs;
    if (known) world.count({ ...comment, state: "held", reason: "unmoderated", amounts });
    const key = impressionKeyOf(sha256, "p", said(undefined));
    const stored = world.keys.get(world.keyOf(comment));
    if (stored) world.keys.set(key, { ...stored, key });
    world.between = between;
    const recorded = new Map([
      [key, { kind: "comment" as const, occurredAtMs: nowMs, state: "held" as const, ...known }],
    ]);
    const decided: Decision[] = [];
    const countOnce: CountOnce = {
      record: async (decisions) => {
        decided.push(...decisions);
        return new Map(decisions.map((one) => [one.key, stored ? "duplicate" : "recorded"]));
      },
    };
    const deps: CountDeps = {
      ...registry,
      ...{
        countOnce,
        pacing,
        reviewTable: world.table,
        reviews: world.store,
        sha256,
        publisherId: "p",
      },
      history: {
        // Without a reason it is a rival's, and too young to be in the history.
        read: async () =>
          new Map(known?.reason ? [[readerDayIn(key), { ...noHistory, recorded }]] : []),
        addPresentedBy: async () => {},
      },
      traffic: { maxPerReaderHour: 10, maxPerReaderDay: 10, tokenBurst: 10 },
      ...{ isBot: () => false, dedupeTtlMs: 90 * 24 * hourMs, poolOpenMs: 0 },
    };
    const deliveries = reports.map((report, index) => delivery(String(index), [report]));
    const result = await countEngagements(deps, deliveries, never);
    return { result, decided, key: world.keys.get(key) };
  }

  test("a decision wins over pending, and the first decision over the others", async () => {
    const reports = fc.array(fc.constantFrom(...moderationStates), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(reports, async (all) => {
        const { result, decided } = await count(all.map(short));
        const first = all.find((one) => one !== "pending");
        const right = {
          approved: { state: "paid" },
          rejected: { state: "void", reason: "comment_rejected" },
          pending: { state: "held", reason: "unmoderated" },
        }[first ?? "pending"];
        expect(decided).toMatchObject([right]);
        expect(result).toMatchObject({
          ...{ failedIds: [], recorded: 1, duplicates: all.length - 1, moderated: 0 },
        });
      }),
      { numRuns: 50 },
    );
  });

  test.each([["unmoderated"], [undefined]])(
    "of one that waits (%s in the history) they decide, once",
    async (reason) => {
      const { result, key } = await count(
        [short("pending"), short("rejected"), short("approved")],
        {
          reason,
        },
      );
      expect(result).toMatchObject({ failedIds: [], recorded: 0, duplicates: 3, moderated: 1 });
      expect(key).toMatchObject({ state: "void", reason: "comment_rejected" });
    },
  );

  test("of one that is held for something else, an approval is not even looked up", async () => {
    const { result, key } = await count([short("approved")], { reason: "over_rate" });
    expect(result).toMatchObject({ failedIds: [], duplicates: 1, moderated: 0 });
    expect(key).toMatchObject({ state: "held" });
  });

  test("that cannot be carried out now are returned to the queue, and nothing else is", async () => {
    const other = { ...said(undefined), kind: "view" } as AcceptedEngagement;
    const unmoderated = { reason: "unmoderated" };
    const { result, key } = await count([short("approved"), other], unmoderated, async () => {
      throw new Error("no table");
    });
    expect(result).toMatchObject({ failedIds: ["0"], duplicates: 1, moderated: 0 });
    expect(key).toMatchObject({ state: "held" });
  });

  test("a browser's word is not taken", () => {
    expect(moderationOf(short("approved"))).toBe("approved");
    expect(moderationOf(short("pending"))).toBeUndefined();
    expect(
      moderationOf(said({ length: "short", moderation: "approved" }, "token")),
    ).toBeUndefined();
    expect(moderationOf(said(undefined))).toBeUndefined();
  });
});
