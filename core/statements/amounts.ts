const leastDecimals = 2;
const mostDecimals = 6;
/** Longer than a hyphen, as amounts are set in print. */
const minus = "−";
/** As wide as a digit. */
const figureSpace = "\u2007";

const digitsOf = (micros: bigint) => String(micros < 0n ? -micros : micros).padStart(7, "0");

/** How many decimals a column needs so that none of its amounts is rounded: two to six. */
export function decimalsFor(amounts: Iterable<bigint>): number {
  let decimals = leastDecimals;
  for (const micros of amounts) decimals = Math.max(decimals, fractionOf(digitsOf(micros)).length);
  return decimals;
}

function fractionOf(digits: string): string {
  return digits.slice(-mostDecimals).replace(/0{1,4}$/, "");
}

/** For people: `1,234.50`, with as many decimals as it needs. */
export function amountText(micros: bigint): string {
  const digits = digitsOf(micros);
  const units = countText(BigInt(digits.slice(0, -mostDecimals)));
  return `${micros < 0n ? minus : ""}${units}.${fractionOf(digits)}`;
}

/** The same for a column that is set flush right: points stand below each other. */
export function columnText(micros: bigint, decimals: number): string {
  const text = amountText(micros);
  const missing = decimals - (text.length - text.indexOf(".") - 1);
  if (missing < 0) throw new Error(`${text} does not fit into ${decimals} decimals`);
  return text + figureSpace.repeat(missing);
}

/** For programs: `-1234.5678`, with as many decimals as it needs, at least two. */
export function plainAmount(micros: bigint): string {
  const digits = digitsOf(micros);
  return `${micros < 0n ? "-" : ""}${digits.slice(0, -mostDecimals)}.${fractionOf(digits)}`;
}

export function countText(count: bigint): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
