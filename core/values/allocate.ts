/**
 * Splits a whole amount by weights, to the last unit: each part is its exact share rounded down,
 * and what is left goes, unit by unit, to the largest remainders; among equal ones to the earlier.
 * The parts sum to `amount`, always.
 * @param weights not negative, at least one above zero.
 */
export function allocate(amount: bigint, weights: readonly bigint[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  if (amount < 0n || total <= 0n || weights.some((weight) => weight < 0n)) {
    throw new RangeError("an amount is split by weights that are not negative and not all zero");
  }
  const parts = weights.map((weight) => (amount * weight) / total);
  const remainders = weights.map((weight, index) => ({ index, left: (amount * weight) % total }));
  let rest = amount - parts.reduce((sum, part) => sum + part, 0n);
  remainders.sort((a, b) => (a.left === b.left ? a.index - b.index : a.left > b.left ? -1 : 1));
  for (const { index } of remainders) {
    if (rest === 0n) break;
    parts[index] = (parts[index] ?? 0n) + 1n;
    rest -= 1n;
  }
  return parts;
}
