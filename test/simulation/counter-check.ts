import type { Item } from "./expressions.ts";
import type { RecordedKey } from "./oracle.ts";
import type { SimulatedTables } from "./simulated-table.ts";
import { tableNames } from "./wiring.ts";

/** Sums of a line, or of several. All but counts in micros. */
interface Sums {
  count: bigint;
  net: bigint;
  fee: bigint;
  weight: bigint;
}

type Lines = Map<string, Sums>;

const none = (): Sums => ({ count: 0n, net: 0n, fee: 0n, weight: 0n });

/** What a line's letter does to payable, to held, and to the fee, as counters spell it. */
const effects: Readonly<Record<string, readonly [payable: bigint, held: bigint, fee: bigint]>> = {
  p: [1n, 0n, 1n],
  h: [0n, 1n, 1n],
  f: [1n, -1n, 0n],
  v: [-1n, 0n, -1n],
  d: [0n, -1n, -1n],
};

/** Lines of a counter by name, with their sums. */
export function linesOf(counter: Item): Lines {
  const lines: Lines = new Map();
  for (const [name, value] of Object.entries(counter)) {
    const field = ({ n: "count", m: "net", f: "fee", w: "weight" } as const)[name[0] ?? ""];
    if (!field || name[1] !== ":") continue;
    const sums = lines.get(name.slice(2)) ?? none();
    lines.set(name.slice(2), { ...sums, [field]: value as bigint });
  }
  return lines;
}

export const isCounter = ({ pk }: Item) => String(pk).startsWith("creator#");

export function partsOfLine(line: string) {
  const [kind = "", card = "", version = "", letter = "", reason] = line.split(".");
  return { kind, card, version, letter, reason, base: `${kind}.${card}.${version}` };
}

/** Ever earned, payable or held, and ever voided of that, settled or not. Both only grow. */
export function earnedIn(tables: SimulatedTables, creatorId: string) {
  const own = tables.partition(tableNames.earningsCountersTable, `creator#${creatorId}`);
  const sums = { earned: 0n, voided: 0n };
  for (const counter of own) {
    for (const [line, { net }] of linesOf(counter)) {
      const { letter } = partsOfLine(line);
      if (letter === "p" || letter === "h") sums.earned += net;
      if (letter === "v" || letter === "d") sums.voided += net;
    }
  }
  return sums;
}

/**
 * Holds counters and tally against the impression keys, one by one: what was counted is what they
 * say, and what is left of it is what they say now.
 */
export function checkCounters(
  tables: SimulatedTables,
  recorded: readonly RecordedKey[],
  before: readonly Item[],
  violated: (what: string) => void,
): void {
  const counters = tables.all(tableNames.earningsCountersTable).filter(isCounter);
  const counted = new Map(counters.map((item) => [`${item.pk}\n${item.sk}`, linesOf(item)]));
  const [first, left] = [new Map<string, Lines>(), new Map<string, Lines>()];
  for (const item of before) {
    for (const [line, sums] of linesOf(item)) {
      add(first, `${item.pk}\n${item.sk}`, line, sums);
      add(left, `${item.pk}\n${item.sk}`, partsOfLine(line).base, sums);
    }
  }
  for (const { first: item, now } of recorded) {
    for (const { c, l, m = 0n, f = 0n, w = 0n } of (item.credits ?? []) as readonly Item[]) {
      const name = counterName(item, String(c));
      const sums = { count: 1n, net: m, fee: f, weight: w } as Sums;
      add(first, name, String(l), sums);
      if (now.state !== "void") add(left, name, partsOfLine(String(l)).base, sums);
    }
  }
  for (const name of new Set([...counted.keys(), ...first.keys()])) {
    const [actual, expected] = [counted.get(name) ?? new Map(), first.get(name) ?? new Map()];
    const isPool = /\tp\d/.test(name);
    const about = name.replaceAll(/[\n\t]/g, " ");
    const asCounted = [...actual].filter(([line]) => countedLetters(isPool).test(line));
    compare(new Map(asCounted), expected, (what) => violated(`${about}: ${what}`));
    if (isPool) checkPoolCounter(actual, (what) => violated(`${about}: ${what}`));
    else
      checkWhatIsLeft(actual, left.get(name) ?? new Map(), (what) => violated(`${about}: ${what}`));
  }
  checkTally(tables, counters, recorded, before, violated);
}

const countedLetters = (isPool: boolean) => (isPool ? /\.[wn](?:\.|$)/ : /\.[phn](?:\.|$)/);

function counterName(item: Item, creatorId: string): string {
  const shard = String(item.shard).padStart(2, "0");
  const part = item.pool === undefined ? shard : `p${item.pool}.${shard}`;
  return `creator#${creatorId}\n${item.articleId}\t${item.day}\t${part}`;
}

function add(all: Map<string, Lines>, name: string, line: string, more: Sums): void {
  const lines = all.get(name) ?? new Map<string, Sums>();
  all.set(name, lines);
  lines.set(line, plus(lines.get(line) ?? none(), more));
}

function plus(a: Sums, b: Sums, sign = 1n): Sums {
  return {
    count: a.count + sign * b.count,
    net: a.net + sign * b.net,
    fee: a.fee + sign * b.fee,
    weight: a.weight + sign * b.weight,
  };
}

const show = ({ count, net, fee, weight }: Sums) =>
  `${count} (${net} micros, ${fee} fee, ${weight} weight)`;

function compare(actual: Lines, expected: Lines, violated: (what: string) => void): void {
  for (const line of new Set([...actual.keys(), ...expected.keys()])) {
    const [is, should] = [actual.get(line) ?? none(), expected.get(line) ?? none()];
    if (show(is) !== show(should)) {
      violated(`${line}: ${show(should)} expected, ${show(is)} counted`);
    }
  }
}

/** At rest nothing is held any more: what is payable is what the keys that are not void say. */
function checkWhatIsLeft(actual: Lines, left: Lines, violated: (what: string) => void): void {
  const payable: Lines = new Map();
  const held: Lines = new Map();
  for (const [line, sums] of actual) {
    const { base, letter } = partsOfLine(line);
    const [toPayable, toHeld] = effects[letter] ?? [0n, 0n];
    if (toPayable !== 0n) payable.set(base, plus(payable.get(base) ?? none(), sums, toPayable));
    if (toHeld !== 0n) held.set(base, plus(held.get(base) ?? none(), sums, toHeld));
  }
  for (const [base, sums] of held) {
    if (sums.count !== 0n || sums.net !== 0n) violated(`${base}: ${show(sums)} is held for ever`);
  }
  compare(payable, left, (what) => violated(`payable at rest: ${what}`));
}

/** What a pool awarded for a line, less what was voided of it since. */
function checkPoolCounter(actual: Lines, violated: (what: string) => void): void {
  const sums = (base: string, letter: string) =>
    [...actual]
      .filter(([line]) => partsOfLine(line).base === base && partsOfLine(line).letter === letter)
      .reduce((sum, [, more]) => plus(sum, more), none());
  for (const base of new Set([...actual.keys()].map((line) => partsOfLine(line).base))) {
    const [weighed, left, award, voided] = ["w", "u", "p", "v"].map((letter) => sums(base, letter));
    if (!weighed || !left || !award || !voided) continue;
    const weight = weighed.weight - left.weight;
    if (weight < 0n) violated(`${base}: more was taken out of the pool than was in it`);
    if (award.weight > weighed.weight) violated(`${base}: awarded for more than it weighed`);
    const part = (amount: bigint) => (weight === 0n ? 0n : (amount * voided.weight) / weight);
    if (award.weight > weight) violated(`${base}: awarded for ${award.weight} of ${weight}`);
    const right = part(award.net) === voided.net && part(award.fee) === voided.fee;
    if (!right) violated(`${base}: of an award of ${show(award)} voided ${show(voided)}`);
  }
}

function checkTally(
  tables: SimulatedTables,
  counters: readonly Item[],
  recorded: readonly RecordedKey[],
  before: readonly Item[],
  violated: (what: string) => void,
): void {
  const tally = tables
    .all(tableNames.earningsCountersTable)
    .filter(({ pk }) => String(pk).startsWith("tally#"));
  const sum = (items: readonly Item[], name: string) =>
    items.reduce((total, item) => total + ((item[name] ?? 0n) as bigint), 0n);
  const ofLetters = (letters: string) => {
    let micros = 0n;
    for (const counter of counters) {
      for (const [line, { net }] of linesOf(counter)) {
        if (letters.includes(partsOfLine(line).letter)) micros += net;
      }
    }
    return micros;
  };
  const isCounted = ({ first }: RecordedKey) => first.state !== "rejected";
  const keys = BigInt(recorded.filter(isCounted).length) + sum(before, "ev");
  const expected: Record<string, bigint> = {
    ev: sum(counters, "ev"),
    keys,
    m: ofLetters("ph"),
    v: ofLetters("vd"),
    ...statesOf(recorded.filter(isCounted)),
  };
  expected["s:paid"] = (expected["s:paid"] ?? 0n) + sum(before, "ev");
  const names = new Set([
    ...Object.keys(expected),
    ...tally.flatMap((item) => Object.keys(item).filter((name) => name.startsWith("s:"))),
  ]);
  for (const name of names) {
    const [is, should] = [sum(tally, name), expected[name] ?? 0n];
    if (is !== should) violated(`the tally's ${name} is ${is}, not ${should}`);
  }
}

function statesOf(recorded: readonly RecordedKey[]): Record<string, bigint> {
  const states: Record<string, bigint> = {};
  for (const { now } of recorded) {
    const name = now.reason === undefined ? `s:${now.state}` : `s:${now.state}.${now.reason}`;
    states[name] = (states[name] ?? 0n) + 1n;
  }
  return states;
}
