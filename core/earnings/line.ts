import type { HoldReason, Model, PricedKind, VoidReason } from "../contracts/kinds.ts";
import type { CardRef } from "../registry/rate-card.ts";

/**
 * What a line of a counter does to money. Counters only ever grow, so undoing is a line of its own:
 * - `paid`: earned, payable at the next settlement
 * - `held`: earned, but waiting: invalid traffic is suspected
 * - `freed`: was held, is payable now (the hold is over, or a review said so)
 * - `voided`: was payable, is not any more
 * - `dropped`: was held, and never becomes payable
 * - `void`: earned nothing from the start; counted so that its creator can see it
 * - `weighed`, `unweighed`: takes part in a pool whose day is not priced yet, or no longer does
 */
export const movements = {
  paid: "p",
  held: "h",
  freed: "f",
  voided: "v",
  dropped: "d",
  void: "n",
  weighed: "w",
  unweighed: "u",
} as const;
export type Movement = keyof typeof movements;

export interface LineParts {
  readonly kind: PricedKind;
  readonly model: Model;
  readonly card: CardRef;
  /** Which version of the article's shares divided it. */
  readonly sharesVersion: number;
  readonly movement: Movement;
  readonly reason?: HoldReason | VoidReason;
}

/** `<kind>.<card>.<shares version>.<movement>[.<reason>]`; the card of a pool is written `~<card>`. */
export type LineKey = string & { readonly __unit: "line-key" };

const movementOf = new Map(Object.entries(movements).map(([name, letter]) => [letter, name]));

export function lineKey({ kind, model, card, sharesVersion, movement, reason }: LineParts) {
  const parts = [kind, model === "pool" ? `~${card}` : card, sharesVersion, movements[movement]];
  return (reason === undefined ? parts : [...parts, reason]).join(".") as LineKey;
}

const cached = new Map<LineKey, LineParts>();
const maxCached = 10_000;

/** @throws when it is no line key: money must not be read by a guess. */
export function parseLineKey(key: LineKey): LineParts {
  const known = cached.get(key);
  if (known) return known;
  const [kind, card = "", sharesVersion, letter = "", reason] = key.split(".");
  const movement = movementOf.get(letter as (typeof movements)[Movement]);
  if (!movement || !/^~?[ac]?\d+$/.test(card)) throw new Error(`not a line key: ${key}`);
  const parts: LineParts = {
    kind: kind as PricedKind,
    model: card.startsWith("~") ? "pool" : "rates",
    card: card.replace("~", "") as CardRef,
    sharesVersion: Number(sharesVersion),
    movement: movement as Movement,
    ...(reason === undefined ? {} : { reason: reason as HoldReason | VoidReason }),
  };
  if (cached.size >= maxCached) cached.clear();
  cached.set(key, parts);
  return parts;
}

/** The same line with another movement, such as the one that undoes it. */
export function withMovement(key: LineKey, movement: Movement, reason?: LineParts["reason"]) {
  const { reason: _, ...parts } = parseLineKey(key);
  return lineKey({ ...parts, movement, ...(reason === undefined ? {} : { reason }) });
}
