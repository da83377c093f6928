import type { ReaderId } from "../contracts/ids.ts";
import type { ProvidedChannel } from "../contracts/kinds.ts";
import { limits } from "../contracts/limits.ts";
import type { Rate, RateLimiter } from "../pacing/rate-limiter.ts";
import { chunk as inGroups } from "../values/group-by.ts";
import type { Pacing } from "../values/retry.ts";
import type { Clock } from "../values/time.ts";
import { chunkName } from "./chunk-events.ts";
import type { ChunkId, FanoutPlan } from "./fanout.ts";
import type { Follower, StopReason } from "./follower.ts";
import type { FollowerStore } from "./follower-store.ts";
import { stopChannel } from "./put-follower.ts";
import type { Outcome, Told, ToldStore } from "./told-store.ts";

/** What a provider made of one message. */
export type Sending =
  | { readonly kind: "sent" }
  /** For good: another attempt would end in the same way. */
  | { readonly kind: "rejected" }
  /** There is nobody at this address any more. */
  | { readonly kind: "gone"; readonly reason: StopReason }
  /** Not now: it was not sent. */
  | { readonly kind: "refused"; readonly retryAfterMs?: number }
  /** No answer: it may have been sent. */
  | { readonly kind: "unknown" };

/** Who delivers what we send. */
export interface Provider {
  readonly channel: ProvidedChannel;
  /** None: the stage has none, and nobody is told. */
  readonly rate: Rate | undefined;
  send(follower: Follower, plan: FanoutPlan, tag: string): Promise<Sending>;
  /** How long to leave a follower's service alone; none: it may be called. */
  heldMs(follower: Follower): number | undefined;
}

export interface PassDeps {
  readonly provider: Provider;
  readonly told: Pick<ToldStore, "read" | "claim" | "settle" | "release">;
  readonly followers: Pick<FollowerStore, "read" | "readMany" | "replace">;
  readonly limiter: RateLimiter;
  readonly tagOf: (plan: FanoutPlan, readerId: ReaderId) => string;
  readonly clock: Clock;
  readonly pacing: Pacing;
}

export interface Pass {
  readonly plan: FanoutPlan;
  readonly id: ChunkId;
  readonly readerIds: readonly ReaderId[];
  /** What was claimed up to then and never settled was not sent. */
  readonly unsentUntilMs: number;
  /** Who is refused now is given up. */
  readonly isLast: boolean;
  readonly deadlineMs: number;
}

export interface PassResult {
  /** Readers for whom something was done. */
  done: number;
  /** What there is no mark for. */
  readonly decided: Map<ReaderId, Outcome>;
  outOfTime: boolean;
  /** The rate limit is used up for so long. */
  pausedMs: number | undefined;
  /** Some were refused, for so long. */
  refusedMs: number | undefined;
  /** The latest claim of which it is not known what became of it. */
  fateOfMs: number | undefined;
}

/** Sent at once: an answer takes longer than a slot of most rates. */
const maxAtOnce = 10;

/** Goes through readers once: whoever is not told, or being told by somebody else, is told. */
export async function tellReaders(deps: PassDeps, pass: Pass): Promise<PassResult> {
  const { provider, told, clock } = deps;
  const { readerIds, plan, id } = pass;
  const result: PassResult = {
    ...{ done: 0, decided: new Map(), outOfTime: false },
    ...{ pausedMs: undefined, refusedMs: undefined, fateOfMs: undefined },
  };
  const { rate } = provider;
  if (rate === undefined) {
    for (const one of readerIds)
      result.decided.set(one, { state: "skipped", reason: "not-set-up" });
    return result;
  }
  const marks = await told.read(plan.articleId, provider.channel, readerIds);
  const own = chunkName(id);
  const todo: ReaderId[] = [];
  for (const readerId of readerIds) {
    const mark = marks.get(readerId);
    const next = mark ? whatIsLeft(mark, own, pass.unsentUntilMs) : "tell";
    if (next === "tell") todo.push(readerId);
    else if (next === "wait") waitFor(result, mark?.atMs ?? 0);
    else if (next === "give-up") result.decided.set(readerId, unknownFate);
  }
  const followers = await deps.followers.readMany(id.creatorId, todo);
  for (const group of inGroups(todo, Math.min(maxAtOnce, rate.burst))) {
    const leftMs = pass.deadlineMs - clock.nowMs();
    if (leftMs <= 0) result.outOfTime = true;
    else result.pausedMs = await reserve(deps, rate, group.length, leftMs);
    if (result.outOfTime || result.pausedMs !== undefined) break;
    const settled = await Promise.allSettled(
      group.map((one) => tellOne(deps, pass, result, one, marks.get(one), followers.get(one))),
    );
    const failure = settled.find(({ status }) => status === "rejected");
    if (failure?.status === "rejected") throw failure.reason;
  }
  return result;
}

/** A claim of another chunk's is that one's business, unless it is dead; so is what it failed on. */
export function whatIsLeft(
  mark: Told,
  own: string,
  unsentUntilMs: number,
): "tell" | "wait" | "give-up" | "nothing" {
  const { state } = mark.outcome;
  if (state === "failed") return mark.chunk === own ? "nothing" : "tell";
  if (state !== "claimed") return "nothing";
  if (mark.atMs > unsentUntilMs) return mark.chunk === own ? "wait" : "nothing";
  return mark.attempt < limits.maxReceives ? "tell" : "give-up";
}

/** Sent, perhaps, as often as it may be tried; nobody ever heard what became of it. */
const unknownFate: Outcome = { state: "failed", reason: "unknown" };

function waitFor(result: PassResult, claimedAtMs: number): void {
  result.fateOfMs = Math.max(result.fateOfMs ?? 0, claimedAtMs);
}

/** Waits for a slot. @returns how long there is none, if that is longer than there is time. */
async function reserve(
  { limiter, provider, pacing }: PassDeps,
  rate: Rate,
  units: number,
  maxWaitMs: number,
): Promise<number | undefined> {
  const slot = await limiter.reserve(provider.channel, units, rate, { maxWaitMs });
  if (slot.kind === "refused") return slot.retryAfterMs;
  if (slot.waitMs > 0) await pacing.sleep(slot.waitMs);
  return undefined;
}

async function tellOne(
  deps: PassDeps,
  pass: Pass,
  result: PassResult,
  readerId: ReaderId,
  mark: Told | undefined,
  follower: Follower | undefined,
): Promise<void> {
  const { provider, told, clock } = deps;
  const { channel } = provider;
  const { plan, id } = pass;
  const { articleId } = plan;
  const { creatorId } = id;
  if (!follower?.[channel]) {
    result.decided.set(readerId, { state: "skipped", reason: "unfollowed" });
    return;
  }
  const heldMs = provider.heldMs(follower);
  if (heldMs !== undefined) return refuse(pass, result, readerId, heldMs);
  const telling = { articleId, creatorId, readerId, chunk: chunkName(id) };
  const claim = await told.claim(telling, channel, mark, clock.nowMs());
  if (claim === "lost") return waitFor(result, clock.nowMs());
  const sending = await provider.send(follower, plan, deps.tagOf(plan, readerId));
  result.done += 1;
  switch (sending.kind) {
    case "sent":
      return await told.settle(telling, channel, claim, { state: "sent" });
    case "rejected":
      return await told.settle(telling, channel, claim, { state: "failed", reason: "rejected" });
    case "gone": {
      const isSame = (now: Follower) => addressIn(now, channel) === addressIn(follower, channel);
      await stopChannel(deps, { creatorId, readerId }, channel, sending.reason, isSame);
      return await told.settle(telling, channel, claim, { state: "skipped", reason: "gone" });
    }
    case "refused":
      await told.release(telling, channel, claim);
      return refuse(pass, result, readerId, sending.retryAfterMs ?? 0);
    case "unknown":
      return waitFor(result, claim.atMs);
  }
}

function addressIn({ email, webPush }: Follower, channel: ProvidedChannel): string | undefined {
  return channel === "email" ? email?.address : webPush?.endpoint;
}

function refuse(pass: Pass, result: PassResult, readerId: ReaderId, retryAfterMs: number): void {
  if (pass.isLast) result.decided.set(readerId, { state: "failed", reason: "gave-up" });
  else result.refusedMs = Math.max(result.refusedMs ?? 0, retryAfterMs);
}
