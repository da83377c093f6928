/** Money: whole millionths of the currency's unit. The only money type; never a float. */
export type Micros = bigint & { readonly __unit: "micros" };

export function micros(value: bigint | number): Micros {
  return BigInt(value) as Micros;
}

export const zeroMicros = micros(0);

export function sumMicros(values: Iterable<bigint>): Micros {
  let total = 0n;
  for (const value of values) total += value;
  return total as Micros;
}
