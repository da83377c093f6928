import type * as z from "zod";
import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import {
  type CommentLength,
  commentLengths,
  type EngagementKind,
  engagementKinds,
  kindOf,
  type PricedKind,
  type ReactionType,
  reactionTypes,
} from "../contracts/kinds.ts";
import type { putRateCardSchema } from "../contracts/registry-bodies.ts";
import { problems } from "../perimeter/problem.ts";
import { type Micros, micros } from "../values/micros.ts";

/**
 * An immutable version of what each kind of engagement pays, in force from a moment on. Versions of
 * a scope count up, and come into force in that order.
 */
export interface RateCard {
  /** 0 is the card every publisher starts with. */
  readonly version: number;
  readonly currency: string;
  readonly effectiveFromMs: number;
  readonly prices: Readonly<Record<EngagementKind, Micros>>;
  /** In percent of the kind's price. */
  readonly weights: {
    readonly reaction: Readonly<Record<ReactionType, number>>;
    readonly comment: Readonly<Record<CommentLength, number>>;
  };
  readonly feeBasisPoints: number;
  /** Comments of one reader that earn something, each UTC day. */
  readonly commentsPerReader: number;
  /** Which request published it, so that a retry finds its own card; version 0 has none. */
  readonly requestId?: string;
}

/** Whose prices: everybody's, or one article's or creator's own. */
export type CardScope =
  | "publisher"
  | { readonly articleId: ArticleId }
  | { readonly creatorId: CreatorId };

/** A card's version, with a letter for its scope: `3`, an article's own `a3`, a creator's own `c3`. */
export type CardRef = `${"" | "a" | "c"}${number}`;

/** Whose card a reference names, and which version of it. */
export function parseCardRef(ref: CardRef) {
  const version = Number(ref.replace(/^[ac]/, ""));
  if (ref.startsWith("a")) return { scope: "article", version } as const;
  if (ref.startsWith("c")) return { scope: "creator", version } as const;
  return { scope: "publisher", version } as const;
}

export interface RateCardStore {
  /** Every version of the publisher's, oldest first; strongly consistent. Does not hold version 0. */
  list(): Promise<readonly RateCard[]>;
  /** `taken` when another writer published this version first. */
  publish(card: RateCard): Promise<"published" | "taken">;
}

const everyWeight = <Name extends string>(names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, 100])) as Record<Name, number>;

/** In force until the publisher sets its own: a tenth of a cent for a view. */
export function defaultRateCard(currency: string): RateCard {
  return {
    version: 0,
    currency,
    effectiveFromMs: 0,
    prices: {
      view: micros(1_000),
      read: micros(3_000),
      reaction: micros(500),
      comment: micros(2_000),
      search_visit: micros(1_500),
    },
    weights: { reaction: everyWeight(reactionTypes), comment: everyWeight(commentLengths) },
    feeBasisPoints: 0,
    commentsPerReader: 20,
  };
}

/** Every card that was ever in force, oldest first, starting with the default. */
export async function allRateCards(
  store: Pick<RateCardStore, "list">,
  currency: string,
): Promise<RateCard[]> {
  return [defaultRateCard(currency), ...(await store.list())];
}

/** The card in force at a moment. `cards` are oldest first and start with the default. */
export function cardInForce(cards: readonly RateCard[], atMs: number): RateCard {
  const card = ownCardInForce(cards, atMs);
  if (!card) throw new Error(`no rate card is in force at ${atMs}; the default card is missing`);
  return card;
}

/** The same of an article's or creator's own cards, which may have none at that moment. */
export function ownCardInForce(cards: readonly RateCard[], atMs: number): RateCard | undefined {
  return cards.findLast(({ effectiveFromMs }) => effectiveFromMs <= atMs);
}

/** How much of its price a kind pays under a card, in percent: all of it but for its weight. */
export function weightPercentOf({ version, weights }: RateCard, kind: PricedKind): number {
  const [base, variant] = kind.split(":") as [EngagementKind, string | undefined];
  if (variant === undefined) return 100;
  const ofBase: Readonly<Record<string, number>> =
    base === "reaction" ? weights.reaction : weights.comment;
  const percent = ofBase[variant];
  if (percent === undefined) throw new Error(`rate card ${version} has no weight for ${kind}`);
  return percent;
}

/** What one engagement pays under a card, fee included: the price of its kind, by its weight. */
export function priceOf(card: RateCard, kind: PricedKind): Micros {
  // Rounded down: what a fraction of a micro would be worth stays with the publisher.
  return ((card.prices[kindOf(kind)] * BigInt(weightPercentOf(card, kind))) / 100n) as Micros;
}

/** What a card says, apart from which version it is and since when. */
export type Rates = Pick<
  RateCard,
  "currency" | "prices" | "weights" | "feeBasisPoints" | "commentsPerReader"
>;

/** @throws Problem 400 when the currency is not the deployment's. */
export function ratesOf(body: z.infer<typeof putRateCardSchema>, currency: string): Rates {
  if (body.currency !== currency) {
    const detail =
      `this deployment pays in ${currency}, not ${body.currency}; ` +
      "a second currency needs a deployment of its own.";
    throw problems.invalid(`currency: ${detail}`, [{ field: "currency", detail }]);
  }
  const prices = engagementKinds.map((kind) => [kind, micros(body.micros[kind])] as const);
  const usual = defaultRateCard(currency);
  return {
    currency,
    prices: Object.fromEntries(prices) as RateCard["prices"],
    weights: body.weights ?? usual.weights,
    feeBasisPoints: body.feeBasisPoints ?? usual.feeBasisPoints,
    commentsPerReader: body.commentsPerReader ?? usual.commentsPerReader,
  };
}

export function sameRates(some: Rates, others: Rates): boolean {
  return (
    some.currency === others.currency &&
    some.feeBasisPoints === others.feeBasisPoints &&
    some.commentsPerReader === others.commentsPerReader &&
    engagementKinds.every((kind) => some.prices[kind] === others.prices[kind]) &&
    sameWeights(some.weights, others.weights)
  );
}

export function sameWeights(some: Rates["weights"], others: Rates["weights"]): boolean {
  return (
    reactionTypes.every((type) => some.reaction[type] === others.reaction[type]) &&
    commentLengths.every((length) => some.comment[length] === others.comment[length])
  );
}

/** The public shape; prices are whole micros, small enough for a JSON number by contract. */
export function presentRateCard(card: RateCard, scope: CardScope) {
  const prices = engagementKinds.map((kind) => [kind, Number(card.prices[kind])] as const);
  return {
    version: card.version,
    scope,
    currency: card.currency,
    effectiveFrom: new Date(card.effectiveFromMs).toISOString(),
    micros: Object.fromEntries(prices),
    weights: card.weights,
    feeBasisPoints: card.feeBasisPoints,
    commentsPerReader: card.commentsPerReader,
  };
}
