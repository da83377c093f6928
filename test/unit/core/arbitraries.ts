import { createHash } from "node:crypto";
import fc from "fast-check";
import type { AcceptedEngagement } from "../../../core/contracts/events.ts";
import type { ArticleId, CreatorId, ReaderId } from "../../../core/contracts/ids.ts";
import { engagementKinds } from "../../../core/contracts/kinds.ts";
import type { Decision } from "../../../core/earnings/count-once.ts";
import type { ImpressionKey } from "../../../core/earnings/impression-key.ts";
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
  })
  .map(({ sizes, refused }) => [
    ...sizes.flatMap((size, article) =>
      Array.from({ length: size }, (_, index) => paid(`a${article}`, index)),
    ),
    ...Array.from({ length: refused }, (_, index) => rejected(index)),
  ]);

export function paid(article: string, index: number): Decision {
  return {
    outcome: "paid",
    key: `${article}-${index}` as ImpressionKey,
    expiresAtMs: 1,
    counter: {
      creatorId: "c1" as CreatorId,
      articleId: article as ArticleId,
      day: "2028-02-29" as UtcDay,
    },
    line: "view.0",
    micros: micros(1_000),
  };
}

function rejected(index: number): Decision {
  const key = `rejected-${index}` as ImpressionKey;
  const engagement = { articleId: "a" as ArticleId, kind: "view", occurredAtMs: 0 } as const;
  return { outcome: "rejected", key, expiresAtMs: 1, reason: "unknown_article", engagement };
}
