import type * as z from "zod";
import type { putRateCardSchema } from "../contracts/bodies.ts";
import { type EngagementKind, engagementKinds } from "../contracts/kinds.ts";
import { limits } from "../contracts/limits.ts";
import { Problem, problems } from "../perimeter/problem.ts";
import { type Micros, micros } from "../values/micros.ts";
import { type Clock, utcDayOf } from "../values/time.ts";

/** An immutable version of what each kind of engagement pays, in force from a moment on. */
export interface RateCard {
  /** 0 is the card every publisher starts with. */
  readonly version: number;
  readonly currency: string;
  readonly effectiveFromMs: number;
  readonly prices: Readonly<Record<EngagementKind, Micros>>;
  /** Which request published it, so that a retry finds its own card; version 0 has none. */
  readonly requestId?: string;
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

const publishAttempts = 20;

/**
 * Publishes the next version, in force from now on: what was earned before keeps its price.
 * @param requestId the same for every retry of one request: it publishes one card, even if it was
 *   cut off after that and others published since.
 * @throws Problem 400 when the currency is not the stage's; 409 when other writers keep winning, or
 *   too many cards were published today.
 */
export async function putRateCard(
  deps: { rateCards: RateCardStore; clock: Clock; currency: string },
  body: z.infer<typeof putRateCardSchema>,
  requestId: string,
): Promise<RateCard> {
  if (body.currency !== deps.currency) {
    throw problems.invalid(
      `currency: this deployment pays in ${deps.currency}, not ${body.currency}; ` +
        "a second currency needs a deployment of its own.",
    );
  }
  for (let attempt = 0; attempt < publishAttempts; attempt += 1) {
    const cards = await allRateCards(deps.rateCards, deps.currency);
    const prices = pricesOf(body.micros);
    const own = cards.findLast((card) => isRetryOf(card, requestId, deps.clock.nowMs()));
    if (own) return sameOrRefused(own, prices);
    const latest = cards.at(-1);
    // Strictly after its predecessor, so that no moment has two cards, however clocks differ.
    const effectiveFromMs = Math.max(deps.clock.nowMs(), (latest?.effectiveFromMs ?? 0) + 1);
    refuseTooMany(cards, effectiveFromMs);
    const card: RateCard = {
      version: (latest?.version ?? 0) + 1,
      currency: body.currency,
      effectiveFromMs,
      prices,
      requestId,
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

/** A key is remembered for a day, here as everywhere; after that it is a new request. */
function isRetryOf(card: RateCard, requestId: string, nowMs: number): boolean {
  const ageMs = nowMs - card.effectiveFromMs;
  return card.requestId === requestId && ageMs < limits.idempotencyTtlMs;
}

function sameOrRefused(own: RateCard, prices: RateCard["prices"]): RateCard {
  if (engagementKinds.every((kind) => own.prices[kind] === prices[kind])) return own;
  throw problems.keyReused();
}

function refuseTooMany(cards: readonly RateCard[], effectiveFromMs: number): void {
  const today = utcDayOf(effectiveFromMs);
  const published = cards.filter((card) => utcDayOf(card.effectiveFromMs) === today).length;
  if (published < limits.maxRateCardsPerDay) return;
  throw new Problem(
    409,
    "too-many-rate-cards",
    "Too many rate cards today",
    `${published} rate cards came into force today (UTC), which is the limit; publish it tomorrow.`,
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
