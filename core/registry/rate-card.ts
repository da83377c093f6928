import type * as z from "zod";
import type { putRateCardSchema } from "../contracts/bodies.ts";
import { type EngagementKind, engagementKinds } from "../contracts/kinds.ts";
import { Problem, problems } from "../perimeter/problem.ts";
import { type Micros, micros } from "../values/micros.ts";
import type { Clock } from "../values/time.ts";

/** An immutable version of what each kind of engagement pays, in force from a moment on. */
export interface RateCard {
  /** 0 is the card every publisher starts with. */
  readonly version: number;
  readonly currency: string;
  readonly effectiveFromMs: number;
  readonly prices: Readonly<Record<EngagementKind, Micros>>;
}

export interface RateCardStore {
  /** Every published version, oldest first; strongly consistent. Does not hold version 0. */
  list(): Promise<readonly RateCard[]>;
  /** `taken` when another writer published this version first. */
  publish(card: RateCard): Promise<"published" | "taken">;
}

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
  };
}

/** Every card that was ever in force, oldest first, starting with the default. */
export async function allRateCards(store: RateCardStore, currency: string): Promise<RateCard[]> {
  return [defaultRateCard(currency), ...(await store.list())];
}

/** The card in force at a moment. `cards` are oldest first and start with the default. */
export function cardInForce(cards: readonly RateCard[], atMs: number): RateCard {
  const card = cards.findLast(({ effectiveFromMs }) => effectiveFromMs <= atMs);
  if (!card) throw new Error(`no rate card is in force at ${atMs}; the default card is missing`);
  return card;
}

const publishAttempts = 5;

/**
 * Publishes the next version, in force from now on: what was earned before keeps its price.
 * @throws Problem 400 when the currency is not the stage's; 409 when other writers keep winning.
 */
export async function putRateCard(
  deps: { rateCards: RateCardStore; clock: Clock; currency: string },
  body: z.infer<typeof putRateCardSchema>,
): Promise<RateCard> {
  if (body.currency !== deps.currency) {
    throw problems.invalid(
      `currency: this deployment pays in ${deps.currency}, not ${body.currency}; ` +
        "a second currency needs a deployment of its own.",
    );
  }
  for (let attempt = 0; attempt < publishAttempts; attempt += 1) {
    const latest = (await allRateCards(deps.rateCards, deps.currency)).at(-1);
    const card: RateCard = {
      version: (latest?.version ?? 0) + 1,
      currency: body.currency,
      // Strictly after its predecessor, so that no moment has two cards, however clocks differ.
      effectiveFromMs: Math.max(deps.clock.nowMs(), (latest?.effectiveFromMs ?? 0) + 1),
      prices: pricesOf(body.micros),
    };
    if ((await deps.rateCards.publish(card)) === "published") return card;
  }
  throw new Problem(
    409,
    "rate-card-contended",
    "Conflict",
    "Other rate cards were published at once.",
  );
}

function pricesOf(body: Record<EngagementKind, number>): Record<EngagementKind, Micros> {
  const entries = engagementKinds.map((kind) => [kind, micros(body[kind])] as const);
  return Object.fromEntries(entries) as Record<EngagementKind, Micros>;
}

/** The public shape; prices are whole micros, small enough for a JSON number by contract. */
export function presentRateCard(card: RateCard) {
  const prices = engagementKinds.map((kind) => [kind, Number(card.prices[kind])] as const);
  return {
    version: card.version,
    currency: card.currency,
    effectiveFrom: new Date(card.effectiveFromMs).toISOString(),
    micros: Object.fromEntries(prices),
  };
}
