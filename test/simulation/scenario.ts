import { counterKey, dueBucketOf } from "../../adapters/dynamodb/counter-items.ts";
import { tallyKey } from "../../adapters/dynamodb/tally-items.ts";
import { engagementsAccepted, settlementDue } from "../../core/contracts/events.ts";
import type { ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import { type EngagementKind, engagementKinds } from "../../core/contracts/kinds.ts";
import { limits } from "../../core/contracts/limits.ts";
import { putArticle } from "../../core/registry/article.ts";
import { defaultRateCard, putRateCard } from "../../core/registry/rate-card.ts";
import { micros } from "../../core/values/micros.ts";
import { type UtcDay, utcDayOf } from "../../core/values/time.ts";
import type { Prng } from "./prng.ts";
import { envelope } from "./simulated-bus.ts";
import { currency, tableNames } from "./wiring.ts";
import type { World } from "./world.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Around midnight of a leap day windows, days and years end in the oddest way. */
const startDays = ["2024-02-28", "2024-02-29", "2028-02-29", "2026-12-31", "2027-03-01"];
const hugeCount = 2n ** 54n;

export interface Cast {
  readonly creators: readonly CreatorId[];
  readonly articles: readonly ArticleId[];
  readonly readers: readonly string[];
}

export function startOf(prng: Prng): number {
  const startOfDayMs = Date.parse(`${prng.pick(startDays)}T00:00:00Z`);
  return startOfDayMs + prng.pick([-minuteMs, 0, 12 * 60 * minuteMs, dayMs - 2 * minuteMs]);
}

/** What a seed's world goes through: who there is, what they do and when. @returns poison bodies. */
export async function playScenario(world: World): Promise<ReadonlySet<string>> {
  const prng = world.prng.fork("scenario");
  if (utcDayOf(world.clock.nowMs()).endsWith("02-29")) world.faults.met("leapDay");
  const pace = prng.chance(0.12) ? "storm" : prng.chance(0.3) ? "trickle" : "mixed";
  const cast = castOf(prng, pace);
  if (prng.chance(0.3)) startBeyondDoubles(world, cast);
  const poison = new Set<string>();
  const opening = register(world, cast).then(() => {
    scheduleRequests(world, prng, cast, pace);
    scheduleRegistryChanges(world, prng, cast);
    scheduleStrayMessages(world, prng, cast, poison);
    scheduleReaders(world, prng, cast);
  });
  await world.clock.runUntilIdle();
  await opening;
  return poison;
}

/** Few large requests for one article at once; many single ones, one by one; or a bit of all. */
type Pace = "storm" | "trickle" | "mixed";

function castOf(prng: Prng, pace: Pace): Cast {
  const storm = pace === "storm";
  const creators = names("c", pace === "mixed" ? prng.int(1, 3) : 1) as CreatorId[];
  const articles = names("/a b/é", storm ? 1 : prng.int(1, 6)) as ArticleId[];
  return { creators, articles, readers: names("r", storm ? 300 : prng.int(1, 8)) };
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}

async function register(world: World, { creators, articles }: Cast): Promise<void> {
  for (const [index, articleId] of articles.entries()) {
    const creatorId = creators[index % creators.length] as CreatorId;
    await world.insist((parts) => putArticle(parts, articleId, { title: articleId, creatorId }));
  }
}

/** D3: a creator who has earned more than a double can count, half of it settled. */
function startBeyondDoubles(world: World, { creators, articles }: Cast): void {
  const id = {
    creatorId: creators[0] as CreatorId,
    articleId: articles[0] as ArticleId,
    day: "2024-01-01" as UtcDay,
    shard: 0,
  };
  const amount = micros(hugeCount * defaultRateCard(currency).prices.view);
  const line = { count: hugeCount, micros: amount };
  world.faults.met("counterBeyond2To53");
  world.tables.seed(tableNames.earningsCountersTable, {
    ...counterKey(id),
    "n:view.0": hugeCount,
    "m:view.0": amount,
    ev: hugeCount,
    due: dueBucketOf(id.creatorId),
    since: BigInt(world.clock.nowMs()),
  });
  world.tables.seed(tableNames.earningsCountersTable, {
    ...tallyKey(0),
    ev: hugeCount,
    m: amount,
    rej: 0n,
  });
  const lines = new Map([["view.0" as const, line]]);
  const counter = { id, counted: lines, settled: new Map(), engagements: hugeCount };
  const rest = { drains: 0, dueSinceMs: world.clock.nowMs() };
  world.oracle.startWith({
    counters: [{ ...counter, ...rest }],
    engagements: hugeCount,
    micros: amount,
  });
}

function scheduleRequests(world: World, prng: Prng, cast: Cast, pace: Pace): void {
  const { clock, faults } = world;
  if (pace === "storm") faults.met("stormOnOneCreator");
  const spreadMs = {
    storm: 3_000,
    trickle: prng.pick([500, 5_000]),
    mixed: prng.pick([2_000, 5 * minuteMs, 5 * minuteMs, 3 * dayMs]),
  }[pace];
  const [fewest, most] = { storm: [4, 8], trickle: [10, 25], mixed: [3, 14] }[pace] as [
    number,
    number,
  ];
  const sizes = { storm: [20, 60, 130], trickle: [1], mixed: [1, 1, 2, 5, 9] }[pace];
  for (let request = prng.int(fewest, most); request > 0; request -= 1) {
    const size = prng.pick(sizes);
    const large = prng.chance(0.003);
    clock.at(clock.nowMs() + prng.int(0, spreadMs), () => {
      const channel = prng.chance(0.5) ? "token" : "publisher";
      const [count, padding] = large ? [limits.maxBatchEngagements, 1_000] : [size, 0];
      const item = channel === "token" ? tokenItem : publisherItem;
      const engagements = Array.from({ length: count }, () => item(world, prng, cast, padding));
      const body = channel === "token" && count === 1 ? engagements[0] : { engagements };
      // A double click, or a beacon and its retry: the same request twice.
      const times = prng.chance(0.15) ? 2 : 1;
      for (let time = 0; time < times; time += 1) void world.request(channel, body);
    });
  }
}

function kindOf(prng: Prng): EngagementKind {
  return prng.chance(0.6) ? "view" : prng.pick(engagementKinds);
}

function articleOf(prng: Prng, { articles }: Cast): string {
  return prng.chance(0.03) ? "/never/registered" : prng.pick(articles);
}

function occurredAt(world: World, prng: Prng, oldestMs: number): string | undefined {
  if (prng.chance(0.3)) return undefined;
  const agoMs = prng.pick([0, 1_000, -4 * minuteMs, 10 * minuteMs, dayMs, oldestMs, oldestMs * 2]);
  return new Date(world.clock.nowMs() - agoMs).toISOString();
}

function tokenItem(world: World, prng: Prng, cast: Cast): unknown {
  const issuedAtMs = world.clock.nowMs() - prng.pick([0, minuteMs, 47 * 3_600_000, 3 * dayMs]);
  const iat = Math.floor(issuedAtMs / 1_000);
  const exp = iat + limits.viewTokenTtlMs / 1_000;
  const [sub, art] = [prng.pick(cast.readers), articleOf(prng, cast)];
  const token = JSON.stringify({ sub, art, iat, exp, jti: prng.hex(4) });
  return { token, kind: kindOf(prng), occurredAt: occurredAt(world, prng, limits.maxBrowserAgeMs) };
}

function publisherItem(world: World, prng: Prng, cast: Cast, padding: number): unknown {
  const when = occurredAt(world, prng, limits.maxPublisherAgeMs - minuteMs);
  return {
    articleId: articleOf(prng, cast),
    readerId: prng.pick(cast.readers),
    kind: kindOf(prng),
    ...(when === undefined ? {} : { occurredAt: when }),
    ...(padding > 0 ? { referrer: `https://www.google.com/${"x".repeat(2 * padding)}` } : {}),
    ...(padding > 0 ? { userAgent: "u".repeat(padding) } : {}),
  };
}

function scheduleRegistryChanges(world: World, prng: Prng, { creators, articles }: Cast): void {
  const { clock } = world;
  const soon = () =>
    clock.nowMs() + prng.pick([prng.int(0, 3_000), prng.int(0, 6 * minuteMs), dayMs]);
  for (let change = prng.int(0, 2); change > 0; change -= 1) {
    const price = () => prng.pick([0, 1, 999, 1_000_000_000]);
    const prices = Object.fromEntries(engagementKinds.map((kind) => [kind, price()]));
    const requestId = `card ${change}`;
    const body = { currency, micros: prices as Record<EngagementKind, number> };
    clock.at(soon(), () => void world.insist((parts) => putRateCard(parts, body, requestId)));
  }
  if (prng.chance(0.2)) {
    const [articleId, creatorId] = [prng.pick(articles), prng.pick(creators)];
    clock.at(soon(), () => {
      void world.insist((parts) => putArticle(parts, articleId, { title: "moved", creatorId }));
    });
  }
}

/** Messages that no edge of ours sent: unreadable ones, other versions, articles nobody knows. */
function scheduleStrayMessages(world: World, prng: Prng, cast: Cast, poison: Set<string>): void {
  const { clock, countQueue, settleQueue, faults, bus } = world;
  const soon = () => clock.nowMs() + prng.int(0, 4 * minuteMs);
  if (prng.chance(0.4)) {
    const queue = prng.pick([countQueue, countQueue, settleQueue]);
    const body = poisonBody(prng, clock.nowMs(), cast);
    faults.met(body.includes("schemaVersion") ? "otherSchemaVersion" : "poisonMessage");
    poison.add(body);
    clock.at(soon(), () => queue.send(body));
  }
  if (prng.chance(0.3)) {
    clock.at(soon(), () =>
      bus.take(engagementsEvent(prng, 1, [engagement(prng, "/deleted", clock.nowMs(), cast)])),
    );
  }
}

function engagement(prng: Prng, articleId: string, occurredAtMs: number, { readers }: Cast) {
  return {
    articleId,
    readerId: prng.pick(readers),
    kind: "view",
    occurredAtMs,
    channel: "publisher",
  };
}

function engagementsEvent(prng: Prng, schemaVersion: number, engagements: readonly object[]) {
  const traceparent = `00-${prng.hex(16)}-${prng.hex(8)}-01`;
  const detail = { schemaVersion, traceparent, acceptedAtMs: 0, engagements };
  const { source, detailType } = engagementsAccepted;
  return { source, detailType, detail: JSON.stringify(detail) };
}

function poisonBody(prng: Prng, nowMs: number, cast: Cast): string {
  const good = engagement(prng, cast.articles[0] as string, nowMs, cast);
  const id = prng.hex(4);
  return prng.pick([
    () => `{"broken": "${id}`,
    () => JSON.stringify({ hello: id }),
    () => JSON.stringify([id, null]),
    () => envelope(id, nowMs, engagementsEvent(prng, prng.pick([0, 2, 7]), [good])),
    () => envelope(id, nowMs, engagementsEvent(prng, 1, [good, { ...good, kind: "purchase" }])),
    () => envelope(id, nowMs, engagementsEvent(prng, 1, [{ ...good, occurredAtMs: 0.5 }])),
    () => envelope(id, nowMs, { ...engagementsEvent(prng, 1, [good]), source: "someone.else" }),
    () => envelope(id, nowMs, { ...settlementDue, detail: '{"schemaVersion":1,"creatorIds":[]}' }),
  ])();
}

function scheduleReaders(world: World, prng: Prng, { creators }: Cast): void {
  const { clock } = world;
  for (let read = 0; read < 6; read += 1) {
    const atMs = clock.nowMs() + prng.pick([prng.int(0, 5_000), prng.int(0, 8 * minuteMs)]);
    const creatorId = prng.pick(creators);
    clock.at(atMs, () => void world.readBalance(creatorId));
    if (read < 2) clock.at(atMs + prng.int(0, 5_000), () => void world.prove());
    if (read < 2) clock.at(atMs + prng.int(0, 5_000), () => void world.readEarnings(creatorId));
  }
}
