import type { CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import { holdReasons } from "../../core/contracts/kinds.ts";
import { postAdjustment } from "../../core/ledger/adjust.ts";
import { entryIdOf } from "../../core/ledger/entry.ts";
import { reverseEntry } from "../../core/ledger/reverse-entry.ts";
import { requestPayout } from "../../core/payouts/request-payout.ts";
import { Problem } from "../../core/perimeter/problem.ts";
import { utcDayOf } from "../../core/values/time.ts";
import type { Prng } from "./prng.ts";
import type { Cast } from "./scenario.ts";
import type { World } from "./world.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;
const traceId = "0".repeat(32);

/** What people and schedules do with money that was counted, at any time and beside each other. */
export function scheduleMoneyMoves(world: World, prng: Prng, cast: Cast): void {
  const { clock } = world;
  const sometime = () =>
    clock.nowMs() +
    prng.pick([prng.int(0, 5_000), prng.int(0, 8 * minuteMs), prng.int(0, 5 * dayMs)]);
  const often = (most: number, what: (number: number) => void) => {
    for (let number = prng.int(0, most); number > 0; number -= 1) {
      clock.at(sometime(), () => what(number));
    }
  };
  often(2, (number) => review(world, prng, cast, `review ${number}`));
  often(3, (number) => payouts(world, prng, prng.pick(cast.creators), `payout ${number}`));
  for (const lookAfter of [() => world.releaseHolds(), () => world.pricePools()]) {
    often(2, () => {
      const times = prng.int(1, 2);
      for (let time = 0; time < times; time += 1) void lookAfter();
    });
  }
  often(2, () => {
    const times = prng.int(1, 2);
    if (times > 1) world.faults.met("payoutRunTwice");
    for (let time = 0; time < times; time += 1) void world.runPayouts();
  });
  if (prng.chance(0.4)) {
    const creatorId = prng.pick(cast.creators);
    clock.at(sometime(), () => void adjust(world, prng, creatorId));
  }
}

/** Of a reader, an article, a reason, or of all there is; asked once or twice. */
function review(world: World, prng: Prng, cast: Cast, requestId: string): void {
  const nowMs = world.clock.nowMs();
  const decision = prng.pick(["void", "release"] as const);
  const body = {
    decision,
    note: "looked at",
    from: utcDayOf(nowMs - prng.pick([1, 2, 29]) * dayMs),
    to: utcDayOf(nowMs + prng.pick([-1, 0, 0, 1]) * dayMs),
    ...(prng.chance(0.6) ? { readerId: prng.pick(cast.readers) as ReaderId } : {}),
    ...(prng.chance(0.3) ? { articleId: prng.pick(cast.articles) } : {}),
    ...(prng.chance(0.2) ? { reason: prng.pick(holdReasons) } : {}),
  };
  const times = prng.pick([1, 1, 2]);
  if (times > 1) world.faults.met("reviewAskedTwice");
  for (let time = 0; time < times; time += 1) void world.review(body, requestId);
  if (prng.chance(0.7)) return;
  // What was released turns out to be invalid after all.
  const { reason: _, ...rest } = body;
  const later = { ...rest, decision: "void" } as const;
  const againMs = world.clock.nowMs() + prng.pick([0, 1_000, minuteMs, dayMs]);
  world.clock.at(againMs, () => void world.review(later, `${requestId} later`));
}

/** Several at once, of which some are the same request sent again. */
function payouts(world: World, prng: Prng, creatorId: CreatorId, requestId: string): void {
  const rivals = prng.int(1, 3);
  for (let rival = 0; rival < rivals; rival += 1) {
    const amountMicros = prng.pick([undefined, undefined, 10_000n, 50_000_000n]);
    const request = {
      ...{ creatorId, amountMicros, requestedBy: "publisher:p" },
      requestId: `${requestId} ${rival}`,
    };
    const times = prng.pick([1, 1, 2]);
    if (times > 1) world.faults.met("payoutAskedTwice");
    for (let time = 0; time < times; time += 1) void askForPayout(world, request);
  }
}

async function askForPayout(
  world: World,
  request: Parameters<typeof requestPayout>[1],
): Promise<void> {
  const trace = { traceId, traceparent: world.traceparent() };
  const answer = await world.persist("request-payout", ({ minPayoutMicros, ...parts }) =>
    requestPayout({ ...parts, minMicros: minPayoutMicros }, request, trace),
  );
  if (answer instanceof Problem) world.faults.met("payoutRefused");
}

/** Given or taken by hand, and perhaps taken back. */
async function adjust(world: World, prng: Prng, creatorId: CreatorId): Promise<void> {
  const amountMicros = prng.pick([1n, -1n, 123_456_789n, -987_654_321n]);
  const hand = { bookedBy: "admin:a", requestId: "by hand", traceId };
  const times = prng.pick([1, 2]);
  if (times > 1) world.faults.met("adjustmentAskedTwice");
  const asked = Array.from({ length: times }, () =>
    world.persist("post-adjustment", ({ books: ledger, ...parts }) =>
      postAdjustment({ ...parts, ledger }, { creatorId, amountMicros, note: "why" }, hand),
    ),
  );
  const [entry, again] = await Promise.all(asked);
  if (!entry || entry instanceof Problem) return;
  const same = !again || again instanceof Problem || again.sequence === entry.sequence;
  world.oracle.expect(same, () => `${creatorId}: one adjustment is two entries`);
  if (prng.chance(0.5)) return;
  const body = { entryId: entryIdOf(entry) as never, note: "not so" };
  for (const requestId of ["back", "back", "back again"]) {
    void world.persist("post-adjustment", ({ books: ledger, ...parts }) =>
      reverseEntry({ ...parts, ledger }, body, { ...hand, requestId }),
    );
  }
}
