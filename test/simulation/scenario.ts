import { counterKey, dueBucketOf } from "../../adapters/dynamodb/counter-items.ts";
import { tallyKey } from "../../adapters/dynamodb/tally-items.ts";
import { engagementsAccepted, settlementDue } from "../../core/contracts/events.ts";
import type { ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import {
  type EngagementKind,
  engagementKinds,
  moderationStates,
  reactionTypes,
} from "../../core/contracts/kinds.ts";
import { limits } from "../../core/contracts/limits.ts";
import { type UtcDay, utcDayOf } from "../../core/values/time.ts";
import { scheduleMoneyMoves } from "./money-moves.ts";
import type { Prng } from "./prng.ts";
import { register, scheduleRegistryChanges } from "./registry-moves.ts";
import { envelope } from "./simulated-bus.ts";
import { tableNames } from "./wiring.ts";
import type { World } from "./world.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;
/** Around midnight of a leap day windows, days, months and years end in the oddest way. */
const startDays = ["2024-02-28", "2024-02-29", "2028-02-29", "2026-12-31", "2027-03-01"];
const hugeCount = 2n ** 54n;
/** One that every list of bots knows. */
const botAgent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const browserAgent = "Mozilla/5.0 (X11; Linux x64; rv:140.0) Gecko/20100101 Firefox/140.0";

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
  const opening = register(world, prng, cast).then(() => {
    scheduleRequests(world, prng, cast, pace);
    scheduleRegistryChanges(world, prng, cast);
    scheduleMoneyMoves(world, prng, cast);
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
  const creators = names("c", pace === "mixed" ? prng.int(1, 4) : 1) as CreatorId[];
  const articles = names("/a b/é", storm ? 3 : prng.int(1, 6)) as ArticleId[];
  return { creators, articles, readers: names("r", storm ? 40 : prng.int(1, 8)) };
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}

/** D3: a creator who has earned more than a double can count, before anything else happens. */
function startBeyondDoubles(world: World, { creators }: Cast): void {
  const id = {
    creatorId: creators[0] as CreatorId,
    articleId: "/from/before" as ArticleId,
    day: "2024-01-01" as UtcDay,
    shard: 0,
  };
  world.faults.met("counterBeyond2To53");
  const counter = {
    ...counterKey(id),
    "n:view.0.1.p": hugeCount,
    "m:view.0.1.p": hugeCount * 1_000n,
    ev: hugeCount,
    due: dueBucketOf(id.creatorId),
    since: BigInt(world.clock.nowMs()),
  };
  const tally = { ev: hugeCount, keys: hugeCount, m: hugeCount * 1_000n, "s:paid": hugeCount };
  world.tables.seed(tableNames.earningsCountersTable, counter);
  world.tables.seed(tableNames.earningsCountersTable, { ...tallyKey(0), ...tally });
  world.oracle.startWith([counter]);
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
      const userAgent = prng.pick([undefined, browserAgent, browserAgent, botAgent]);
      for (let time = 0; time < times; time += 1) void world.request(channel, body, userAgent);
    });
  }
}

function kindOf(prng: Prng): EngagementKind {
  return prng.chance(0.5) ? "view" : prng.pick(engagementKinds);
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
  // Mostly old enough for what is dated back; the publisher may mint longer ones than ours.
  const ageMs = prng.pick([0, minuteMs, 47 * 3_600_000, 47 * 3_600_000, 3 * dayMs]);
  const iat = Math.floor((world.clock.nowMs() - ageMs) / 1_000);
  const exp = iat + prng.pick([limits.viewTokenTtlMs, 5 * dayMs]) / 1_000;
  const [sub, art] = [readerOf(prng, cast), articleOf(prng, cast)];
  // A token that is kept, and presented from wherever it was passed on to.
  const jti = prng.chance(0.4) ? `kept by ${sub}` : prng.hex(4);
  const token = JSON.stringify({ sub, art, iat, exp, jti });
  const kind = kindOf(prng);
  return {
    ...{ token, kind, occurredAt: occurredAt(world, prng, limits.maxBrowserAgeMs) },
    ...particularsOf(prng, kind),
  };
}

function publisherItem(world: World, prng: Prng, cast: Cast, padding: number): unknown {
  const when = occurredAt(world, prng, limits.maxPublisherAgeMs - minuteMs);
  const kind = kindOf(prng);
  const comment = { characters: prng.pick([1, 79, 80, 399, 400]) };
  return {
    articleId: articleOf(prng, cast),
    readerId: readerOf(prng, cast),
    kind,
    ...(when === undefined ? {} : { occurredAt: when }),
    ...(kind === "comment" && prng.chance(0.9)
      ? { comment: { ...comment, moderation: prng.pick(moderationStates) } }
      : {}),
    ...particularsOf(prng, kind),
    ...(padding > 0 ? { referrer: `https://www.google.com/${"x".repeat(2 * padding)}` } : {}),
    ...(prng.chance(0.1) ? { userAgent: prng.pick([browserAgent, botAgent]) } : {}),
  };
}

function particularsOf(prng: Prng, kind: EngagementKind): object {
  if (kind === "reaction") return prng.chance(0.8) ? { reaction: prng.pick(reactionTypes) } : {};
  return kind === "search_visit" ? { referrer: "https://www.google.com/" } : {};
}

/** Now and then a creator, who reads what earns them money. */
function readerOf(prng: Prng, { readers, creators }: Cast): string {
  return prng.chance(0.06) ? prng.pick(creators) : prng.pick(readers);
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
    faults.met("olderSchemaVersion");
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
    () => envelope(id, nowMs, engagementsEvent(prng, prng.pick([0, 3, 7]), [good])),
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
