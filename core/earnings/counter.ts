import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import { type Micros, sumMicros } from "../values/micros.ts";
import type { UtcDay } from "../values/time.ts";
import { type LineKey, type Movement, parseLineKey } from "./line.ts";

/** Earnings gather per creator, article and UTC day; a hot counter spreads over shards. */
export interface CounterId {
  readonly creatorId: CreatorId;
  readonly articleId: ArticleId;
  readonly day: UtcDay;
  readonly shard: number;
  /** Number of the pool that the day's engagements take part in; it waits for its own hour. */
  readonly pool?: number;
}

/** Sums of one line. All of them only ever grow, whatever the line's movement does to money. */
export interface LineTotal {
  /** Engagements. */
  readonly count: bigint;
  /** The creator's part. */
  readonly micros: Micros;
  /** The publisher's fee, which is not in `micros`. */
  readonly feeMicros: Micros;
  /** Of a pool only: weight x basis points of the share. */
  readonly weight: bigint;
}

export const noLine: LineTotal = {
  count: 0n,
  micros: 0n as Micros,
  feeMicros: 0n as Micros,
  weight: 0n,
};

export type Lines = ReadonlyMap<LineKey, LineTotal>;

/** What is added to the lines of a counter, in one write. */
export interface CounterAddition {
  readonly id: CounterId;
  readonly lines: Lines;
}

export interface SettledLine extends LineTotal {
  /** Number of the ledger entry that settled it last. */
  readonly entry: number;
}

/** A counter as read: both halves only ever grow, and `counted - settled` is still to be settled. */
export interface Counter {
  readonly id: CounterId;
  readonly counted: Lines;
  readonly settled: ReadonlyMap<LineKey, SettledLine>;
  /** Changes with every ADD of any line: engagements counted here, and later changes of their state. */
  readonly events: bigint;
  /** How many times it was drained. */
  readonly drains: number;
  /** Since when it is on the due list, ms since the epoch; undefined when it is not. */
  readonly dueSinceMs: number | undefined;
  /** When something was held here last, ms since the epoch; undefined when nothing ever was. */
  readonly heldAtMs: number | undefined;
  /** When the holds that were over were freed last. */
  readonly freedAtMs: number | undefined;
}

/** Which lines settlement books. The others say what was counted, and move no money. */
const booked: Readonly<Record<Movement, boolean>> = {
  paid: true,
  held: true,
  freed: true,
  voided: true,
  dropped: true,
  void: false,
  weighed: false,
  unweighed: false,
};

export function movesMoney(key: LineKey): boolean {
  return booked[parseLineKey(key).movement];
}

export function plus(a: LineTotal, b: LineTotal): LineTotal {
  return {
    count: a.count + b.count,
    micros: (a.micros + b.micros) as Micros,
    feeMicros: (a.feeMicros + b.feeMicros) as Micros,
    weight: a.weight + b.weight,
  };
}

export function minus(a: LineTotal, b: LineTotal): LineTotal {
  return {
    count: a.count - b.count,
    micros: (a.micros - b.micros) as Micros,
    feeMicros: (a.feeMicros - b.feeMicros) as Micros,
    weight: a.weight - b.weight,
  };
}

export function addLine(lines: Map<LineKey, LineTotal>, key: LineKey, by: LineTotal): void {
  lines.set(key, plus(lines.get(key) ?? noLine, by));
}

/** What is counted, moves money and is not yet settled; lines with nothing left are absent. */
export function pendingLines({ counted, settled }: Counter): Map<LineKey, LineTotal> {
  const pending = new Map<LineKey, LineTotal>();
  for (const [key, total] of counted) {
    if (!movesMoney(key)) continue;
    const left = minus(total, settled.get(key) ?? noLine);
    if (left.count !== 0n || left.micros !== 0n || left.feeMicros !== 0n) pending.set(key, left);
  }
  return pending;
}

/** What the lines do to a creator's money: to what is payable, and to what is held. */
export interface Effect {
  readonly payable: Micros;
  readonly held: Micros;
  /** Of the publisher. */
  readonly fee: Micros;
}

const signs: Readonly<Record<Movement, { payable: bigint; held: bigint; fee: bigint }>> = {
  paid: { payable: 1n, held: 0n, fee: 1n },
  held: { payable: 0n, held: 1n, fee: 1n },
  freed: { payable: 1n, held: -1n, fee: 0n },
  voided: { payable: -1n, held: 0n, fee: -1n },
  dropped: { payable: 0n, held: -1n, fee: -1n },
  void: { payable: 0n, held: 0n, fee: 0n },
  weighed: { payable: 0n, held: 0n, fee: 0n },
  unweighed: { payable: 0n, held: 0n, fee: 0n },
};

export function effectOf(
  movement: Movement,
  { micros, feeMicros }: Pick<LineTotal, "micros" | "feeMicros">,
): Effect {
  const sign = signs[movement];
  return {
    payable: (sign.payable * micros) as Micros,
    held: (sign.held * micros) as Micros,
    fee: (sign.fee * feeMicros) as Micros,
  };
}

export function effectOfLines(lines: Lines): Effect {
  const effects = [...lines].map(([key, total]) => effectOf(parseLineKey(key).movement, total));
  return {
    payable: sumMicros(effects.map(({ payable }) => payable)),
    held: sumMicros(effects.map(({ held }) => held)),
    fee: sumMicros(effects.map(({ fee }) => fee)),
  };
}

/** The counter once these lines are settled by an entry, up to what was seen counted. */
export function afterDrain(counter: Counter, lines: readonly LineKey[], entry: number): Counter {
  const settled = new Map(counter.settled);
  for (const key of lines) settled.set(key, { ...(counter.counted.get(key) ?? noLine), entry });
  return { ...counter, settled, drains: counter.drains + 1 };
}

/** What is still held: neither freed nor dropped. */
export function heldMicros({ counted }: Pick<Counter, "counted">): Micros {
  let held = 0n;
  for (const [key, { micros }] of counted) {
    const { movement } = parseLineKey(key);
    if (movement === "held") held += micros;
    if (movement === "freed" || movement === "dropped") held -= micros;
  }
  return held as Micros;
}
