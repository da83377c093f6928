import { expect, test } from "vitest";
import type { ArticleId, CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import { postAdjustment } from "../../core/ledger/adjust.ts";
import { entryTypes } from "../../core/ledger/entry.ts";
import { requestPayout } from "../../core/payouts/request-payout.ts";
import { putArticle } from "../../core/registry/article.ts";
import type { FaultKind } from "./faults.ts";
import { type CrashPlan, crashIn, type Role, roles } from "./invocation.ts";
import { startWithPool } from "./registry-moves.ts";
import { atRest, aWorld, creatorId, dayMs, earned, engagement, happening, views } from "./story.ts";
import type { World } from "./world.ts";

const other = "c2" as CreatorId;
const pooled = "pooled" as never;
const traceId = "0".repeat(32);
const comment = { characters: 100, moderation: "pending" as const };
const small = { maxPerReaderHour: 3, maxPerReaderDay: 1_000, tokenBurst: 2 };

/**
 * All that can happen to money, once: counted, held, shared, in a pool; settled; voided before and
 * after that, released by a person and by time; given by hand; paid out by request and by the run.
 */
async function tell(crashPlan?: CrashPlan): Promise<World> {
  const world = await aWorld({ crashPlan, settleWorkers: 2, rules: { traffic: small } });
  await happening(world, () => register(world));
  const first = { engagements: [engagement("r1"), engagement("r2", "read", "/shared")] };
  const second = {
    engagements: [
      ...[engagement("r1"), ...views(4), ...views(2, "/pool")],
      ...["r8", "r9"].map((reader) => ({ ...engagement(reader, "comment", "/b"), comment })),
      ...["/a", "/b", "/shared"].flatMap((article) => [
        engagement("r7", "view", article),
        engagement("r7", "read", article),
      ]),
    ],
  };
  await happening(world, () => world.request("publisher", first));
  await happening(world, () => world.request("publisher", second));
  const today = new Date(world.clock.nowMs()).toISOString().slice(0, 10);
  const review = (decision: "void" | "release", readerId: string) =>
    happening(world, () =>
      world.review(
        { decision, note: "n", from: today, to: today, readerId: readerId as ReaderId },
        `${decision} ${readerId}`,
      ),
    );
  await review("void", "r2");
  await review("void", "r1");
  await review("release", "r8");
  await happening(world, () => adjust(world));
  await happening(world, () => askForPayout(world, 10_000n));
  await later(world, 2 * dayMs, () => world.releaseHolds());
  await later(world, dayMs, () => world.pricePools());
  await later(world, dayMs, () => world.runPayouts());
  return world;
}

async function register(world: World): Promise<void> {
  const shares = [
    { creatorId, basisPoints: 3_333 },
    { creatorId: other, basisPoints: 6_667 },
  ];
  const body = { model: "pool", dailyMicros: 1_000_001, readerCap: 1_000_000 } as const;
  await startWithPool(world, body);
  const [shared, inPool] = ["/shared", "/pool"] as ArticleId[] as [ArticleId, ArticleId];
  await world.insist((parts) => putArticle(parts, shared, { title: "t", shares }));
  await world.insist((parts) => putArticle(parts, inPool, { title: "t", shares, group: pooled }));
}

async function later(world: World, afterMs: number, what: () => Promise<void>): Promise<void> {
  await happening(world, async () => {
    await world.clock.sleep(afterMs);
    await what();
  });
}

async function adjust(world: World): Promise<void> {
  const hand = { bookedBy: "admin:a", requestId: "by hand", traceId };
  const body = { creatorId, amountMicros: 123_456n, note: "why" };
  await world.persist("post-adjustment", ({ books: ledger, ...parts }) =>
    postAdjustment({ ...parts, ledger }, body, hand),
  );
}

async function askForPayout(world: World, amountMicros: bigint): Promise<void> {
  const request = { creatorId, amountMicros, requestId: "1", requestedBy: "publisher:p" };
  const trace = { traceId, traceparent: world.traceparent() };
  await world.persist("request-payout", ({ minPayoutMicros: minMicros, ...parts }) =>
    requestPayout({ ...parts, minMicros }, request, trace),
  );
}

/** What the story is about: else it would prove nothing to be killed in it. */
const told: readonly FaultKind[] = [
  ...["voidedByReview", "releasedByReview", "releasedByTime", "poolPriced", "sharedArticle"],
  ...["verdict held.over_rate", "verdict held.unmoderated", "weighedInPool"],
  ...entryTypes.map((type) => `entry ${type}`).filter((kind) => kind !== "entry payout-failure"),
] as FaultKind[];

/** Of whom the whole work is one call after the other, over and over: some of them will do. */
const mostCalls = 40;

test.each(roles)("%s killed before and after each of its calls: once (Q7, S2)", async (role) => {
  const usual = await tell();
  expect(await atRest(usual)).toEqual([]);
  expect(told.filter((kind) => usual.faults.coverage[kind] === 0)).toEqual([]);
  const calls = usual.around.ioCalls.get(role) ?? 0;
  expect(calls).toBeGreaterThan(1);
  const step = Math.max(1, Math.floor(calls / mostCalls));
  let [killed, planned] = [0, 0];
  for (let ioCall = 1; ioCall <= calls; ioCall += step) {
    for (const when of ["before", "after"] as const) {
      planned += 1;
      const world = await tell({ role, ioCall, when });
      expect(await atRest(world), `killed ${when} call ${ioCall}`).toEqual([]);
      // A client may give up on an edge that died; whatever the bus had taken is counted.
      if (role !== "edge") expect(earned(world)).toBe(earned(usual));
      killed += world.faults.coverage[crashIn[role as Role] ?? "outage"];
    }
  }
  expect(killed).toBe(planned);
});
