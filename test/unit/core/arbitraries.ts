import { createHash } from "node:crypto";
import fc from "fast-check";
import type { AcceptedEngagement } from "../../../core/contracts/events.ts";
import type {
  ArticleGroupId,
  ArticleId,
  CreatorId,
  ReaderId,
} from "../../../core/contracts/ids.ts";
import {
  engagementKinds,
  holdReasons,
  models,
  pricedKinds,
  voidReasons,
} from "../../../core/contracts/kinds.ts";
import type { CountedDecision, Decision } from "../../../core/earnings/count-once.ts";
import { noLine } from "../../../core/earnings/counter.ts";
import type { ImpressionKey, ReaderDay } from "../../../core/earnings/impression-key.ts";
import { type LineParts, lineKey, type Movement, movements } from "../../../core/earnings/line.ts";
import { micros } from "../../../core/values/micros.ts";
import type { UtcDay } from "../../../core/values/time.ts";

/** Values as they may reach the rules, odd spellings included. */
export const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const id = (maxLength: number) => fc.string({ unit: "grapheme", minLength: 1, maxLength });

export const kinds = fc.constantFrom(...engagementKinds);

/** From 2020 to 2040: leap days, turns of years and centuries of seconds are among them. */
export const instants = fc.integer({
  min: Date.parse("2020-01-01T00:00:00Z"),
  max: Date.parse("2040-01-01T00:00:00Z"),
});

export const engagements: fc.Arbitrary<AcceptedEngagement> = fc
  .record({
    articleId: id(20),
    readerId: id(8),
    kind: kinds,
    occurredAtMs: instants,
    channel: fc.constantFrom("token" as const, "publisher" as const),
    referrer: fc.option(fc.webUrl(), { nil: undefined }),
  })
  .map(({ referrer, ...rest }) => ({
    ...rest,
    ...(referrer === undefined ? {} : { referrer }),
    articleId: rest.articleId as ArticleId,
    readerId: rest.readerId as ReaderId,
  }));

/** A batch's decisions: so many for each of some counters, and so many refused ones. */
export const decisions: fc.Arbitrary<Decision[]> = fc
  .record({
    sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 90, max: 400 })), {
      maxLength: 12,
    }),
    refused: fc.integer({ min: 0, max: 120 }),
    creators: fc.integer({ min: 1, max: 10 }),
    pooled: fc.boolean(),
  })
  .map(({ sizes, refused, creators, pooled }) => [
    ...sizes.flatMap((size, article) =>
      Array.from({ length: size }, (_, index) => {
        // The first half of an article's engagements came when it had one creator.
        const shared = index < size / 2 ? 1 : creators;
        const names = Array.from({ length: shared }, (_, at) => `c${at + 1}`);
        const decision = paid(`a${article}`, index, names);
        const readerDay = `r${index}#2028-02-29` as ReaderDay;
        const pool = { readerDay, group: "g" as ArticleGroupId, weight: 1n, cap: 9n };
        return pooled && article % 2 === 0 ? { ...decision, pool, poolNumber: 1 } : decision;
      }),
    ),
    ...Array.from({ length: refused }, (_, index) => rejected(index)),
  ]);

export function paid(article: string, index: number, creators = ["c1"]): CountedDecision {
  const line = lineKey({
    ...{ kind: "view", model: "rates", card: "0", sharesVersion: 1 },
    movement: "paid",
  });
  return {
    outcome: "counted",
    state: "paid",
    kind: "view",
    key: `r${index}#2028-02-29/${article}` as ImpressionKey,
    expiresAtMs: 1,
    engagement: { articleId: article as ArticleId, kind: "view", occurredAtMs: 0 },
    day: "2028-02-29" as UtcDay,
    credits: creators.map((creatorId) => ({
      ...{ creatorId: creatorId as CreatorId, line },
      total: { ...noLine, count: 1n, micros: micros(1_000) },
    })),
  };
}

function rejected(index: number): Decision {
  const key = `r${index}#2028-02-29/rejected` as ImpressionKey;
  const engagement = { articleId: "a" as ArticleId, kind: "view", occurredAtMs: 0 } as const;
  return { outcome: "rejected", key, expiresAtMs: 1, reason: "unknown_article", engagement };
}

export const pricedKind = fc.constantFrom(...pricedKinds);
const cardRefs = fc
  .tuple(fc.constantFrom("" as const, "a" as const, "c" as const), fc.nat(99))
  .map(([scope, version]) => `${scope}${version}` as const);

/** Every kind of line there can be. */
export const lineParts: fc.Arbitrary<LineParts> = fc
  .record({
    kind: pricedKind,
    model: fc.constantFrom(...models),
    card: cardRefs,
    sharesVersion: fc.integer({ min: 1, max: 100 }),
    movement: fc.constantFrom(...(Object.keys(movements) as Movement[])),
    reason: fc.option(fc.constantFrom(...holdReasons, ...voidReasons), { nil: undefined }),
  })
  .map(({ reason, ...parts }) => (reason === undefined ? parts : { ...parts, reason }));
