import type * as z from "zod";
import { limits } from "../contracts/limits.ts";
import type { publishRateCardSchema } from "../contracts/registry-bodies.ts";
import { Problem, problems } from "../perimeter/problem.ts";
import { utcDayOf } from "../values/time.ts";
import { type CardStores, cardsOfScope } from "./cards-of-scope.ts";
import { type RateCard, type Rates, ratesOf, sameRates, sameWeights } from "./rate-card.ts";
import { tooManyVersions, untilWritten } from "./until-written.ts";

/** An `effectiveFrom` this long ago still means now: the request was on its way. */
const graceMs = 60_000;
/** A version that is this little ahead was published just now by a clock that is ahead of ours. */
const maxSkewMs = 5_000;

/**
 * Publishes the next version of a scope's card, in force from `effectiveFrom` or from now on: what
 * was earned before keeps its price.
 * @param requestId the same for every retry of one request: it publishes one card, even if it was
 *   cut off after that and others published since.
 * @throws Problem 400 when the currency is not the deployment's, or what the version before says is
 *   left out; 404 when the scope's article is not
 *   registered; 409 when it would be in force in the past or not after the version before it, when
 *   there are too many cards, or when other writers keep winning.
 */
export async function publishRateCard(
  stores: CardStores,
  body: z.infer<typeof publishRateCardSchema>,
  requestId: string,
): Promise<RateCard> {
  const rates = ratesOf(body, stores.currency);
  return await untilWritten("these rate cards", async () => {
    const { cards, maxCards, append } = await cardsOfScope(stores, body.scope);
    const nowMs = stores.clock.nowMs();
    const own = cards.findLast((card) => isRetryOf(card, requestId, nowMs));
    if (own) return sameOrRefused(own, rates, body.effectiveFrom, nowMs);
    const latest = cards.at(-1);
    if (latest) refuseUnsaid(body, rates, latest);
    const effectiveFromMs = effectiveFromOf(body.effectiveFrom, latest, nowMs);
    if (cards.length >= maxCards) throw tooManyVersions("This rate card", maxCards);
    refuseTooMany(cards, effectiveFromMs);
    const card = { ...rates, version: (latest?.version ?? 0) + 1, effectiveFromMs, requestId };
    return (await append(card)) === "put" ? card : "raced";
  });
}

/**
 * A card inherits nothing: a fee or weight that is forgotten would fall back to the default, and cost
 * the publisher or the creators money unseen.
 * @throws Problem 400 that names what the version before has set and the body leaves out.
 */
function refuseUnsaid(
  body: z.infer<typeof publishRateCardSchema>,
  rates: Rates,
  latest: RateCard,
): void {
  const changes = {
    weights: !sameWeights(rates.weights, latest.weights),
    feeBasisPoints: rates.feeBasisPoints !== latest.feeBasisPoints,
    commentsPerReader: rates.commentsPerReader !== latest.commentsPerReader,
  };
  const names = ["weights", "feeBasisPoints", "commentsPerReader"] as const;
  const errors = names
    .filter((name) => body[name] === undefined && changes[name])
    .map((field) => ({
      field,
      detail:
        `must be said: version ${latest.version} of this rate card says ` +
        `${JSON.stringify(latest[field])}, and left out it would be ${JSON.stringify(rates[field])}`,
    }));
  const [first] = errors;
  if (first) throw problems.invalid(`${first.field}: ${first.detail}`, errors);
}

/**
 * When a new version comes into force: strictly after its predecessor, so that no moment has two.
 * @param askedMs undefined means now.
 * @throws Problem 409 when that is past, or not after the latest version; 400 when it is too far.
 */
export function effectiveFromOf(
  askedMs: number | undefined,
  latest: Pick<RateCard, "version" | "effectiveFromMs"> | undefined,
  nowMs: number,
): number {
  if (askedMs !== undefined && askedMs < nowMs - graceMs) throw timeSettled(askedMs, nowMs);
  if (askedMs !== undefined && askedMs > nowMs + limits.maxRateCardAheadMs) {
    const detail = `effectiveFrom: ${iso(askedMs)} is more than 366 days ahead; send an earlier time.`;
    throw problems.invalid(detail, [{ field: "effectiveFrom", detail }]);
  }
  if (!latest) return Math.max(askedMs ?? nowMs, nowMs);
  const overlaps =
    askedMs === undefined
      ? latest.effectiveFromMs > nowMs + maxSkewMs
      : askedMs <= latest.effectiveFromMs;
  if (overlaps) throw overlapping(askedMs, latest, nowMs);
  return Math.max(askedMs ?? nowMs, nowMs, latest.effectiveFromMs + 1);
}

const iso = (epochMs: number) => new Date(epochMs).toISOString();

function timeSettled(askedMs: number, nowMs: number): Problem {
  const detail =
    `${iso(askedMs)} is past (it is ${iso(nowMs)}), and what was earned since then is or may be ` +
    "settled already. Publish the card from now on by leaving effectiveFrom out; " +
    "POST /v1/rate-cards/dry-run says what difference it would have made, and " +
    "POST /v1/ledger/adjustments books it.";
  return refusal("rate-card-time-settled", "That time may be settled", detail);
}

function overlapping(
  askedMs: number | undefined,
  latest: Pick<RateCard, "version" | "effectiveFromMs">,
  nowMs: number,
): Problem {
  const value = askedMs === undefined ? `now (${iso(nowMs)}), being left out,` : iso(askedMs);
  const detail =
    `${value} is not after ${iso(latest.effectiveFromMs)}, from which on version ` +
    `${latest.version} of this rate card is in force; send a later time.`;
  return refusal("rate-card-overlaps", "Rate cards would overlap", detail);
}

function refusal(code: string, title: string, detail: string): Problem {
  const errors = [{ field: "effectiveFrom", detail }];
  return new Problem(409, code, title, `effectiveFrom: ${detail}`, { errors });
}

/**
 * A key is remembered for a day, here as everywhere; after that it is a new request. Of a scheduled
 * card the day begins when it comes into force: it says nowhere when it was published.
 */
function isRetryOf(card: RateCard, requestId: string, nowMs: number): boolean {
  const ageMs = nowMs - card.effectiveFromMs;
  return card.requestId === requestId && ageMs < limits.idempotencyTtlMs;
}

function sameOrRefused(
  own: RateCard,
  rates: Rates,
  askedMs: number | undefined,
  nowMs: number,
): RateCard {
  const movedByMs = own.effectiveFromMs - (askedMs ?? own.effectiveFromMs);
  const sameTime =
    askedMs === undefined
      ? own.effectiveFromMs <= nowMs + graceMs
      : movedByMs >= 0 && movedByMs <= graceMs;
  if (sameTime && sameRates(own, rates)) return own;
  throw problems.keyReused();
}

function refuseTooMany(cards: readonly RateCard[], effectiveFromMs: number): void {
  const day = utcDayOf(effectiveFromMs);
  const published = cards.filter((card) => utcDayOf(card.effectiveFromMs) === day).length;
  if (published < limits.maxRateCardsPerDay) return;
  throw new Problem(
    409,
    "too-many-rate-cards",
    "Too many rate cards on one day",
    `${published} versions of this rate card come into force on ${day} (UTC), which is the limit; ` +
      "publish it for another day.",
  );
}
