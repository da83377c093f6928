import type { Item } from "./expressions.ts";

/** What one engagement pays one creator, worked out here in the plainest way. All in micros. */
export interface PlainPart {
  readonly creatorId: string;
  readonly basisPoints: bigint;
  readonly price: bigint;
  readonly net: bigint;
  readonly fee: bigint;
}

/** @param kind as it is priced, with its variant: `reaction:love`. */
export function plainPrice(card: Item, kind: string): bigint {
  const [base = "", variant] = kind.split(":");
  const price = (card.prices as Record<string, bigint>)[base] ?? -1n;
  if (variant === undefined) return price;
  const weights = card.weights as Record<string, Record<string, bigint>>;
  return (price * (weights[base]?.[variant] ?? -1n)) / 100n;
}

export function plainPart(card: Item, shares: readonly Item[], at: number, kind: string) {
  const price = plainPrice(card, kind);
  const gross = plainSplit(
    price,
    shares.map((share) => share.basisPoints as bigint),
  )[at] as bigint;
  const fee = (gross * (card.feeBasisPoints as bigint)) / 10_000n;
  const { creatorId, basisPoints } = shares[at] as { creatorId: string; basisPoints: bigint };
  return { creatorId, basisPoints, price, net: gross - fee, fee } satisfies PlainPart;
}

/** Whole parts first; then a unit each to whoever lost most by that, the earlier of equals first. */
export function plainSplit(amount: bigint, weights: readonly bigint[]): bigint[] {
  const whole = weights.reduce((sum, weight) => sum + weight, 0n);
  const parts = weights.map((weight) => (amount * weight) / whole);
  const lost = weights.map((weight, at) => amount * weight - (parts[at] as bigint) * whole);
  let left = amount;
  for (const part of parts) left -= part;
  while (left > 0n) {
    let most = 0;
    for (let at = 1; at < lost.length; at += 1) {
      if ((lost[at] as bigint) > (lost[most] as bigint)) most = at;
    }
    parts[most] = (parts[most] as bigint) + 1n;
    lost[most] = -1n;
    left -= 1n;
  }
  return parts;
}
