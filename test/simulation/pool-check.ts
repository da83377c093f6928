import { linesOf, partsOfLine } from "./counter-check.ts";
import type { Item } from "./expressions.ts";
import type { SimulatedTables } from "./simulated-table.ts";
import { tableNames } from "./wiring.ts";

/** A line of a plan: its name, engagements, the creator's part, the fee, the weight. */
type AwardLine = readonly [line: string, count: bigint, net: bigint, fee: bigint, weight: bigint];

/** Each pool's day is shared out whole, by weight to the micro, once, as its plan says. */
export function checkPools(tables: SimulatedTables, violated: (what: string) => void): void {
  const registry = tables.all(tableNames.registryTable);
  const planned = new Map<string, string>();
  for (const day of registry.filter(isPoolDay)) {
    const tell = (what: string) => violated(`the pool ${day.groupId} of ${day.day}: ${what}`);
    const parts = registry.filter(
      ({ pk, sk }) => pk === `${day.pk}#${day.sk}` && String(sk).startsWith(`${day.plan}#`),
    );
    const awards = parts.flatMap((part) => part.awards as readonly Item[]);
    const lines = awards.flatMap(({ l }) => l as readonly AwardLine[]);
    checkShares(day, lines, tell);
    if (parts.length !== Number(day.parts)) tell(`has ${parts.length} parts of ${day.parts}`);
    if (day.state !== "done") tell(`is ${day.state}`);
    for (const { c, a, s, l } of awards) {
      const shard = `p${day.pool}.${String(s).padStart(2, "0")}`;
      planned.set(`creator#${c} ${a} ${day.day} ${shard}`, shown(l as readonly AwardLine[]));
    }
  }
  for (const counter of tables.all(tableNames.earningsCountersTable)) {
    const [article, date, part = ""] = String(counter.sk).split("\t");
    if (!part.startsWith("p")) continue;
    const name = `${counter.pk} ${article} ${date} ${part}`;
    const paid = [...linesOf(counter)]
      .filter(([line]) => partsOfLine(line).letter === "p")
      .map(([line, { count, net, fee, weight }]): AwardLine => [line, count, net, fee, weight]);
    const right = planned.get(name) ?? "";
    if (shown(paid) !== right) violated(`${name}: was paid ${shown(paid)}, planned was ${right}`);
  }
}

const isPoolDay = ({ pk, dailyMicros }: Item) =>
  String(pk).startsWith("pools#") && dailyMicros !== undefined;

function checkShares(day: Item, lines: readonly AwardLine[], violated: (what: string) => void) {
  const { dailyMicros, awardedMicros, feeMicros, unspentMicros } = day as Record<string, bigint>;
  const daily = dailyMicros ?? 0n;
  const whole = lines.reduce((sum, [, , , , weight]) => sum + weight, 0n);
  const net = lines.reduce((sum, [, , micros]) => sum + micros, 0n);
  const fee = lines.reduce((sum, [, , , ofFee]) => sum + ofFee, 0n);
  if (net !== awardedMicros || fee !== feeMicros) violated(`says ${awardedMicros} + ${feeMicros}`);
  if (unspentMicros !== (whole === 0n ? daily : 0n)) violated(`${unspentMicros} unspent`);
  if (whole > 0n && net + fee !== daily) violated(`shares out ${net} + ${fee} of ${daily}`);
  for (const [line, , micros, ofFee, weight] of lines) {
    const over = micros + ofFee - (daily * weight) / whole;
    if (over < 0n || over > 1n) violated(`${line} gets ${micros} + ${ofFee} for ${weight}`);
  }
}

function shown(lines: readonly AwardLine[]): string {
  return lines
    .map((line) => line.join(" "))
    .sort()
    .join("; ");
}
