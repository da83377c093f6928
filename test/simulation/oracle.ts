import { sha256Hex } from "../../adapters/runtime.ts";
import { type AcceptedEngagement, engagementsAccepted } from "../../core/contracts/events.ts";
import { limits } from "../../core/contracts/limits.ts";
import { type ImpressionKey, impressionKeyOf } from "../../core/earnings/impression-key.ts";
import type { Delivery } from "../../core/messaging/delivery.ts";
import { readEvent } from "../../core/messaging/read-event.ts";
import { endOfUtcDayMs, utcDayOf } from "../../core/values/time.ts";
import { checkCounters, earnedIn } from "./counter-check.ts";
import type { Item } from "./expressions.ts";
import type { Faults } from "./faults.ts";
import type { Invocation } from "./invocation.ts";
import { wrongWith } from "./key-check.ts";
import { checkLedger, LedgerWatch } from "./ledger-check.ts";
import type { Traffic } from "./plain-verdict.ts";
import { checkPools } from "./pool-check.ts";
import { mostAgain, type Presented, ReaderMemory } from "./reader-memory.ts";
import { RegistryMemory } from "./registry-memory.ts";
import type { TakenEvent } from "./simulated-bus.ts";
import type { SimulatedTables, Written } from "./simulated-table.ts";
import { publisherId, tableNames } from "./wiring.ts";

/** An impression key as it was first written, and what it says now. */
export interface RecordedKey {
  readonly first: Item;
  now: Item;
}

export interface OracleRules {
  readonly traffic: Traffic;
  readonly poolOpenMs: number;
  readonly holdMs: number;
}

const dayMs = 86_400_000;
const horizonMs = limits.dedupeTtlDays * dayMs;
/** What clocks may be off, and a margin that the counting step may keep. */
const horizonToleranceMs = 24 * 3_600_000;

const short = (text: string) => sha256Hex(text).slice(0, 12);

/**
 * Knows what must be true: it sees every event that the bus took and every item that was written,
 * and works out by itself, in the plainest way, what the tables must hold.
 */
export class Oracle {
  readonly violations: string[] = [];
  readonly registry = new RegistryMemory();
  readonly #faults: Faults;
  readonly #nowMs: () => number;
  readonly #rules: OracleRules;
  readonly #readers = new ReaderMemory();
  readonly #ledger: LedgerWatch;
  readonly #presented = new Map<string, Presented[]>();
  readonly #keyOfIdentity = new Map<string, string>();
  readonly #identityOfKey = new Map<string, string>();
  readonly #recorded = new Map<string, RecordedKey>();
  readonly #batches = new WeakMap<Invocation, readonly Presented[]>();
  readonly #reviews: Item[] = [];
  readonly #takenByTrace = new Map<string, Set<string>>();
  #before: readonly Item[] = [];

  constructor(faults: Faults, nowMs: () => number, rules: OracleRules) {
    this.#faults = faults;
    this.#nowMs = nowMs;
    this.#rules = rules;
    this.#ledger = new LedgerWatch(faults, (what) => this.violated(what));
  }

  /** Counters that were there before the story began. */
  startWith(counters: readonly Item[]): void {
    this.#before = counters;
  }

  violated(what: string): void {
    this.violations.push(`${new Date(this.#nowMs()).toISOString()} ${what}`);
  }

  expect(condition: boolean, what: () => string): void {
    if (!condition) this.violated(what());
  }

  get answeredKeys(): number {
    return this.#presented.size;
  }

  /** The bus took it: from now on it may not be lost. */
  taken({ source, detailType, detail }: TakenEvent): void {
    if (detailType !== engagementsAccepted.detailType) return;
    const body = JSON.stringify({ source, "detail-type": detailType, detail: JSON.parse(detail) });
    const presented = presentedIn(body);
    const { traceparent } = JSON.parse(detail);
    const taken = this.#takenByTrace.get(traceparent) ?? new Set();
    this.#takenByTrace.set(traceparent, taken.add(detail));
    for (const one of presented) {
      this.#identify(one.key, one.engagement);
      this.#readers.presented(one);
      const known = this.#presented.get(one.key);
      if (known) known.push(one);
      else this.#presented.set(one.key, [one]);
    }
  }

  /** One key for each article, reader, kind and UTC day, worked out here in another way. */
  #identify(key: string, engagement: AcceptedEngagement): void {
    const { articleId, readerId, kind, occurredAtMs } = engagement;
    const day = Math.floor(occurredAtMs / dayMs);
    const identity = [articleId, readerId, kind, day].join("\n");
    const [known, other] = [this.#keyOfIdentity.get(identity), this.#identityOfKey.get(key)];
    this.expect((known ?? key) === key, () => `${identity} has two keys, ${known} and ${key}`);
    this.expect((other ?? identity) === identity, () => `${key} is of ${other} and ${identity}`);
    this.#keyOfIdentity.set(identity, key);
    this.#identityOfKey.set(key, identity);
  }

  /** A 202 went out: the bus must have exactly what it says. */
  answered(traceparent: string, accepted: number): void {
    const details = [...(this.#takenByTrace.get(traceparent) ?? [])];
    if (details.length > 1) this.#faults.met("severalEventsInOneRequest");
    const onBus = details.reduce((sum, text) => sum + JSON.parse(text).engagements.length, 0);
    this.expect(onBus === accepted, () => `202 for ${accepted} engagements, ${onBus} on the bus`);
  }

  /** A worker begins with these: it may take any of them for recorded before another. */
  working(by: Invocation, deliveries: readonly Delivery[]): void {
    const batch = deliveries.flatMap(({ body }) => presentedIn(body));
    this.#batches.set(by, batch);
    const again = mostAgain(batch);
    if (again === 0 && new Set(batch.map(({ key }) => key)).size < batch.length) {
      this.#faults.met("redeliveredInOneBatch");
    }
  }

  written({ table, before, after, by }: Written): void {
    const atMs = this.#nowMs();
    if (table === tableNames.registryTable && after) this.#registered(after, atMs);
    if (table === tableNames.ledgerTable) this.#ledger.written(before, after);
    if (table === tableNames.earningsCountersTable && after) this.#grew(before, after);
    if (table !== tableNames.impressionKeysTable || !after) return;
    if (after.sk === "!presented") this.#readers.rememberedRequests(after, atMs);
    else if (String(after.sk).startsWith("!pool#")) this.#readers.usedWeight(after, atMs);
    else if (before && isDecision(before, after)) this.#reviewed(before, after);
    else this.#keyWritten(before, after, by);
  }

  #registered(item: Item, atMs: number): void {
    if (item.pk === "reviews" && item.segments !== undefined) this.#reviews.push(item);
    const states = this.registry.written(item, atMs);
    if (!String(item.pk).startsWith("article#") || states < 2) return;
    const { terms, rateCards } = item as { terms: readonly Item[]; rateCards: readonly Item[] };
    if (terms.length > 1) this.#faults.met("sharesChanged");
    if (rateCards.length > 0) this.#faults.met("articlesOwnCard");
  }

  /** Counters never shrink, whatever happens to the money that they count. */
  #grew(before: Item | undefined, after: Item): void {
    for (const [name, value] of Object.entries(before ?? {})) {
      if (typeof value !== "bigint" || !/^(?:[nmfw]:|ev$|keys$|m$|v$|dr$)/.test(name)) continue;
      const now = after[name];
      const grows = typeof now === "bigint" && now >= value;
      this.expect(grows, () => `${after.pk} ${after.sk}: ${name} shrank from ${value} to ${now}`);
    }
  }

  #keyWritten(before: Item | undefined, after: Item, by: Invocation): void {
    const key = `${after.pk}/${after.sk}`;
    const atMs = this.#nowMs();
    const presented = this.#presented.get(key) ?? [];
    const [first] = presented;
    if (!first) {
      this.violated(`key ${key} was never on the bus`);
      return;
    }
    const earlier = this.#recorded.get(key);
    const { occurredAtMs } = first.engagement;
    if (after.state === "rejected" && after.reason === "past_dedupe_horizon") {
      const earliestMs = endOfUtcDayMs(utcDayOf(occurredAtMs)) + horizonMs;
      const late = atMs >= earliestMs - horizonToleranceMs;
      this.expect(late, () => `key ${key} was refused as too old before its time`);
      // Whoever comes so late is refused, whether it was paid then or not.
      if (!earlier) this.#recorded.set(key, { first: after, now: after });
      return;
    }
    this.expect(before === undefined, () => `key ${key} was overwritten`);
    if (earlier) {
      this.violated(`key ${key} was recorded twice`);
      return;
    }
    this.#recorded.set(key, { first: after, now: after });
    const why = presented
      .filter(({ engagement }) => BigInt(engagement.occurredAtMs) === after.at)
      .filter(({ engagement, request }) => sameToken(after, engagement, request))
      .map((one) => this.#wrongWith(after, one, by));
    const right = why.some((reasons) => reasons.length === 0);
    const shown = () => [...new Set(why.flat())].join(" / ");
    this.expect(right, () => `key ${key} (${after.articleId}, ${after.kind}): ${shown()}`);
    const { kind } = first.engagement;
    const state = String(after.state);
    this.#readers.recorded({ key, atMs, kind, state, occurredAtMs: Number(after.at) });
    this.#meet(after);
  }

  #wrongWith(after: Item, presented: Presented, by: Invocation): string[] {
    const { key, engagement } = presented;
    const [sinceMs, nowMs] = [by.startedAtMs, this.#nowMs()];
    const batch = this.#batches.get(by) ?? [];
    const others = batch.some((one) => one.key !== key && readerOf(one.key) === readerOf(key));
    return wrongWith(after, {
      ...{ presented, sinceMs, nowMs, registry: this.registry },
      ...{ traffic: this.#rules.traffic, poolOpenMs: this.#rules.poolOpenMs },
      around: this.#readers.around(key, engagement.occurredAtMs, sinceMs, batch),
      weightUsed: (groupId, day) => {
        const used = this.#readers.weightUsed(key, groupId, day, sinceMs);
        // What a worker decided for others of its batch counts before it is written.
        return others ? { ...used, most: BigInt(limits.maxPriceMicros) } : used;
      },
    });
  }

  /** Which verdicts and prices there were. */
  #meet({ state, reason, credits, pool, at, day }: Item): void {
    const faults = this.#faults;
    if (state === "rejected") {
      faults.met("unknownArticle");
      return;
    }
    const name = reason === undefined ? `${state}` : `${state}.${reason}`;
    faults.metVerdict(name);
    const parts = (credits ?? []) as readonly Item[];
    if (pool !== undefined) faults.met("weighedInPool");
    if (pool !== undefined && day !== utcDayOf(Number(at))) faults.met("lateForItsPool");
    if (parts.length > 1) faults.met("sharedArticle");
    if (parts.some(({ f }) => f !== undefined)) faults.met("publishersFee");
    const cards = new Set(parts.map(({ l }) => String(l).split(".")[1]));
    if ([...cards].some((card) => card?.startsWith("c"))) faults.met("creatorsOwnCard");
    if (cards.size > 1) faults.met("cardsOfTwoScopes");
    const latest = this.registry.latestCards.at(-1)?.version;
    if (![...cards].includes(String(latest))) faults.met("pricedByAnOlderCard");
    const monthsAgo = utcDayOf(Number(at)).slice(0, 7) < utcDayOf(this.#nowMs()).slice(0, 7);
    if (monthsAgo) faults.met("lateForItsMonth");
  }

  /** A person's decision: it goes one way only, and never touches what was earned. */
  #reviewed(before: Item, after: Item): void {
    const key = `${after.pk}/${after.sk}`;
    const recorded = this.#recorded.get(key);
    if (!recorded) {
      this.violated(`key ${key} was reviewed, and never recorded`);
      return;
    }
    const step = `${before.state} > ${after.state}.${after.reason}`;
    const allowed = ["paid > void.manual", "held > void.manual", "held > paid.undefined"];
    if (before.kind === "comment") allowed.push("held > void.comment_rejected");
    this.expect(allowed.includes(step), () => `key ${key}: ${step}`);
    const same = show(before.credits) === show(after.credits) && before.shard === after.shard;
    this.expect(same, () => `key ${key}: what it was worth was changed by a review`);
    recorded.now = after;
    this.#readers.changed(key);
    if (after.review === undefined) this.#faults.met("moderatedLater");
    if (after.state === "void" && after.pool !== undefined) this.#faults.met("voidedInPool");
    const released = before.state === "paid" && before.review !== undefined;
    if (released && after.state === "void") this.#faults.met("voidedAfterItsRelease");
    this.#faults.met(after.state === "void" ? "voidedByReview" : "releasedByReview");
  }

  /** What this creator has earned, settled or not, payable and held, at this very moment. */
  earnedBy(tables: SimulatedTables, creatorId: string): bigint {
    const { earned, voided } = earnedIn(tables, creatorId);
    return earned - voided;
  }

  /** S9: what was accepted before a review was to void it is void, whenever it was recorded. */
  #checkReview({ decision, filter, requestedAtMs, sk }: Item): void {
    if (decision !== "void") return;
    const { from = "", to = "", readerId, articleId, reason } = filter as Record<string, string>;
    for (const [key, presented] of this.#presented) {
      const now = this.#recorded.get(key)?.now;
      const isAbout = presented.some(({ engagement, acceptedAtMs }) => {
        const day = utcDayOf(engagement.occurredAtMs);
        return (
          BigInt(acceptedAtMs) <= (requestedAtMs as bigint) &&
          from <= day &&
          day <= to &&
          (readerId ?? engagement.readerId) === engagement.readerId &&
          (articleId ?? engagement.articleId) === engagement.articleId
        );
      });
      if (!now || !isAbout || (reason ?? now.reason) !== now.reason) continue;
      // The last word has the review that was requested last.
      const decidedLater = String(now.review ?? "") > String(sk);
      const isVoid = now.state === "void" || now.state === "rejected";
      this.expect(isVoid || decidedLater, () => `key ${key}: review ${sk} missed it`);
    }
  }

  /** At rest: everything that the bus ever took was counted once or refused, and money adds up. */
  checkAtRest(tables: SimulatedTables): void {
    for (const key of this.#presented.keys()) {
      this.expect(this.#recorded.has(key), () => `key ${key} was accepted and lost`);
    }
    for (const review of this.#reviews) this.#checkReview(review);
    const violated = (what: string) => this.violated(what);
    checkCounters(tables, [...this.#recorded.values()], this.#before, violated);
    checkPools(tables, violated);
    checkLedger(tables, violated);
  }
}

const readerOf = (key: string) => key.slice(0, key.indexOf("#"));

function sameToken(item: Item, { tokenId }: AcceptedEngagement, request: string): boolean {
  if (tokenId === undefined) return item.token === undefined;
  return item.token === short(tokenId) && item.request === request;
}

/** Messages come again and again; those of one world at a time are remembered. */
const presentedBefore = new Map<string, readonly Presented[]>();
const maxRemembered = 10_000;

/** What a message presents; nothing when nobody can read it. */
function presentedIn(body: string): readonly Presented[] {
  const known = presentedBefore.get(body);
  if (known) return known;
  const presented = readPresented(body);
  if (presentedBefore.size >= maxRemembered) presentedBefore.clear();
  presentedBefore.set(body, presented);
  return presented;
}

function readPresented(body: string): Presented[] {
  try {
    const { engagements, traceparent, acceptedAtMs } = readEvent(engagementsAccepted, body);
    const request = short(`${traceparent} ${acceptedAtMs}`);
    return engagements.map((engagement) => {
      const key: ImpressionKey = impressionKeyOf(sha256Hex, publisherId, engagement);
      return { key, engagement, request, acceptedAtMs };
    });
  } catch {
    return [];
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));
}

/** By a review, which says so, or by the publisher's moderators, on what waited for them. */
function isDecision(before: Item, after: Item): boolean {
  const moderated = before.state === "held" && before.counted === after.counted;
  return after.review !== undefined || moderated;
}
