import { counterFromItem } from "../../adapters/dynamodb/counter-items.ts";
import { entryFromItem, isEntryItem } from "../../adapters/dynamodb/ledger-items.ts";
import { sha256Hex } from "../../adapters/runtime.ts";
import { type AcceptedEngagement, engagementsAccepted } from "../../core/contracts/events.ts";
import type { ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import { type Counter, lineKey, pendingLines, totalMicros } from "../../core/earnings/counter.ts";
import { type ImpressionKey, impressionKeyOf } from "../../core/earnings/impression-key.ts";
import { creditOf, imbalanceOf } from "../../core/ledger/entry.ts";
import { cardInForce, defaultRateCard, type RateCard } from "../../core/registry/rate-card.ts";
import { sumMicros } from "../../core/values/micros.ts";
import { endOfUtcDayMs, utcDayOf } from "../../core/values/time.ts";
import type { Item } from "./expressions.ts";
import type { Faults } from "./faults.ts";
import type { TakenEvent } from "./simulated-bus.ts";
import type { SimulatedTables, Written } from "./simulated-table.ts";
import { currency, publisherId, tableNames } from "./wiring.ts";

interface Recorded {
  readonly paidAs?: { readonly creatorId: string; readonly line: string };
  readonly rejected?: string;
}

/** Money that was in the tables before the story began. */
export interface Before {
  readonly counters: readonly Counter[];
  readonly engagements: bigint;
  readonly micros: bigint;
}

const dayMs = 86_400_000;
const horizonMs = limits.dedupeTtlDays * dayMs;
/** What clocks may be off, and a margin that the counting step may keep. */
const horizonToleranceMs = 24 * 3_600_000;

/**
 * Knows what must be true: it sees every event that the bus took and every item that was written,
 * and works out by itself, in the plainest way, what the tables must hold.
 */
export class Oracle {
  readonly violations: string[] = [];
  readonly #faults: Faults;
  readonly #nowMs: () => number;
  readonly #presented = new Map<ImpressionKey, AcceptedEngagement[]>();
  readonly #keyOfIdentity = new Map<string, ImpressionKey>();
  readonly #identityOfKey = new Map<ImpressionKey, string>();
  readonly #recorded = new Map<ImpressionKey, Recorded>();
  readonly #creatorsOf = new Map<ArticleId, { atMs: number; creatorId: CreatorId }[]>();
  readonly #cards: { atMs: number; card: RateCard }[] = [
    { atMs: 0, card: defaultRateCard(currency) },
  ];
  readonly #takenByTrace = new Map<string, Set<string>>();
  #before: Before = { counters: [], engagements: 0n, micros: 0n };

  constructor(faults: Faults, nowMs: () => number) {
    this.#faults = faults;
    this.#nowMs = nowMs;
  }

  startWith(before: Before): void {
    this.#before = before;
  }

  violated(what: string): void {
    this.violations.push(`${new Date(this.#nowMs()).toISOString()} ${what}`);
  }

  expect(condition: boolean, what: () => string): void {
    if (!condition) this.violated(what());
  }

  /** The bus took it: from now on it may not be lost. */
  taken({ detailType, detail }: TakenEvent): void {
    if (detailType !== engagementsAccepted.detailType) return;
    const parsed = engagementsAccepted.detail.safeParse(JSON.parse(detail));
    if (!parsed.success) return;
    const { traceparent, engagements } = parsed.data;
    const taken = this.#takenByTrace.get(traceparent) ?? new Set();
    this.#takenByTrace.set(traceparent, taken.add(detail));
    for (const engagement of engagements) {
      const key = impressionKeyOf(sha256Hex, publisherId, engagement);
      this.#identify(key, engagement);
      const presented = this.#presented.get(key);
      if (presented) presented.push(engagement);
      else this.#presented.set(key, [engagement]);
    }
  }

  /** One key for each article, reader, kind and UTC day, worked out here in another way. */
  #identify(key: ImpressionKey, engagement: AcceptedEngagement): void {
    const { articleId, readerId, kind, occurredAtMs } = engagement;
    const day = Math.floor(occurredAtMs / dayMs);
    const identity = [articleId, readerId, kind, day].join("\n");
    const [known, other] = [this.#keyOfIdentity.get(identity), this.#identityOfKey.get(key)];
    this.expect((known ?? key) === key, () => `${identity} has two keys, ${known} and ${key}`);
    this.expect((other ?? identity) === identity, () => `${key} is of ${other} and ${identity}`);
    this.#keyOfIdentity.set(identity, key);
    this.#identityOfKey.set(key, identity);
  }

  /** A 202 went out: the bus must have exactly what it says. */
  answered(traceparent: string, accepted: number): void {
    const details = [...(this.#takenByTrace.get(traceparent) ?? [])];
    if (details.length > 1) this.#faults.met("severalEventsInOneRequest");
    const onBus = details.reduce((sum, text) => sum + JSON.parse(text).engagements.length, 0);
    this.expect(onBus === accepted, () => `202 for ${accepted} engagements, ${onBus} on the bus`);
  }

  written({ table, before, after, by }: Written): void {
    if (table === tableNames.registryTable) this.#registered(after);
    if (table === tableNames.impressionKeysTable) {
      this.#keyWritten(before, after, by.startedAtMs);
    }
  }

  #registered(item: Item): void {
    const atMs = this.#nowMs();
    if (item.pk === "rate-cards") {
      const card = { ...item, version: Number(item.version) } as unknown as RateCard;
      const effectiveFromMs = Number(item.effectiveFromMs);
      this.#cards.push({ atMs, card: { ...card, effectiveFromMs } });
      return;
    }
    const articleId = item.articleId as ArticleId;
    const creators = this.#creatorsOf.get(articleId) ?? [];
    this.#creatorsOf.set(articleId, creators);
    creators.push({ atMs, creatorId: item.creatorId as CreatorId });
    if (creators.length > 1) this.#faults.met("articleMoved");
  }

  #keyWritten(before: Item | undefined, after: Item, sinceMs: number): void {
    const key = after.pk as ImpressionKey;
    const [engagement] = this.#presented.get(key) ?? [];
    if (!engagement) {
      this.violated(`key ${key} was never on the bus`);
      return;
    }
    const earlier = this.#recorded.get(key);
    const rejected = after.rejected as string | undefined;
    if (rejected === "past_dedupe_horizon") {
      const earliestMs = endOfUtcDayMs(utcDayOf(engagement.occurredAtMs)) + horizonMs;
      const late = this.#nowMs() >= earliestMs - horizonToleranceMs;
      this.expect(late, () => `key ${key} was refused as too old before its time`);
      // Whoever comes so late is refused, whether it was paid then or not.
      if (!earlier) this.#recorded.set(key, { rejected });
      return;
    }
    this.expect(before === undefined, () => `key ${key} was overwritten`);
    if (earlier) {
      this.violated(`key ${key} was recorded twice`);
      return;
    }
    if (rejected !== undefined) {
      const known = this.#creatorsOf.has(engagement.articleId);
      this.expect(!known, () => `${engagement.articleId} is known, yet refused: ${rejected}`);
      this.#faults.met("unknownArticle");
      this.#recorded.set(key, { rejected });
      return;
    }
    const paidAs = { creatorId: String(after.creatorId), line: String(after.line) };
    this.#recorded.set(key, { paidAs });
    this.#checkPrice(key, paidAs, sinceMs);
  }

  /** Price and creator may be those of any moment since the worker began. */
  #checkPrice(
    key: ImpressionKey,
    { creatorId, line }: NonNullable<Recorded["paidAs"]>,
    sinceMs: number,
  ) {
    const presented = this.#presented.get(key) ?? [];
    const moments = [
      ...this.#cards.map(({ atMs }) => atMs).filter((atMs) => atMs > sinceMs),
      sinceMs,
    ];
    const lines = presented.flatMap(({ kind, occurredAtMs }) =>
      moments.map((momentMs) => {
        const known = this.#cards.filter(({ atMs }) => atMs <= momentMs).map(({ card }) => card);
        return lineKey(kind, cardInForce(known, occurredAtMs).version);
      }),
    );
    this.expect((lines as string[]).includes(line), () => `key ${key}: ${line}, not ${lines}`);
    const latest = this.#cards.at(-1)?.card.version ?? 0;
    if (!line.endsWith(`.${latest}`)) this.#faults.met("pricedByAnOlderCard");
    const articleId = presented[0]?.articleId;
    const history = articleId === undefined ? [] : (this.#creatorsOf.get(articleId) ?? []);
    const creators = history
      .filter((_, index) => (history[index + 1]?.atMs ?? Number.POSITIVE_INFINITY) >= sinceMs)
      .map((creator) => creator.creatorId as string);
    this.expect(
      creators.includes(creatorId),
      () => `key ${key}: paid ${creatorId}, not ${creators}`,
    );
  }

  priceOf(line: string): bigint {
    const [kind, version] = line.split(".");
    const found = this.#cards.find(({ card }) => card.version === Number(version));
    return found?.card.prices[kind as AcceptedEngagement["kind"]] ?? -1n;
  }

  /** What this creator has earned, settled or not, at this very moment. */
  earnedBy(tables: SimulatedTables, creatorId: string): bigint {
    const own = countersIn(tables).filter(({ id }) => id.creatorId === creatorId);
    return sumMicros(own.map(({ counted }) => totalMicros(counted)));
  }

  get answeredKeys(): number {
    return this.#presented.size;
  }

  /** At rest: everything that the bus ever took was counted once or refused, and money adds up. */
  checkAtRest(tables: SimulatedTables): void {
    const due = this.#expectedLines();
    let paid = 0n;
    for (const key of this.#presented.keys()) {
      const recorded = this.#recorded.get(key);
      this.expect(recorded !== undefined, () => `key ${key} was accepted and lost`);
      if (recorded?.paidAs) paid += 1n;
    }
    const held = this.#heldLines(tables);
    for (const name of new Set([...due.keys(), ...held.keys()])) {
      const [expected, actual] = [due.get(name), held.get(name)];
      const same = expected?.count === actual?.count && expected?.micros === actual?.micros;
      this.expect(same, () => `${name}: ${show(expected)} expected, ${show(actual)} counted`);
    }
    const expectedMicros = sumMicros([...due.values()].map(({ micros }) => micros));
    const tally = tables
      .all(tableNames.earningsCountersTable)
      .filter(({ pk }) => String(pk).startsWith("tally#"));
    const sum = (name: string) => sumMicros(tally.map((item) => (item[name] as bigint) ?? 0n));
    const engagements = paid + this.#before.engagements;
    this.expect(
      sum("ev") === engagements,
      () => `tally has ${sum("ev")} engagements, not ${engagements}`,
    );
    this.expect(sum("m") === expectedMicros, () => `tally has ${sum("m")}, not ${expectedMicros}`);
    this.#checkLedger(tables);
  }

  #expectedLines(): Map<string, { count: bigint; micros: bigint }> {
    const lines = new Map<string, { count: bigint; micros: bigint }>();
    const add = (name: string, count: bigint, micros: bigint) => {
      const sum = lines.get(name) ?? { count: 0n, micros: 0n };
      lines.set(name, { count: sum.count + count, micros: sum.micros + micros });
    };
    for (const { id, counted } of this.#before.counters) {
      for (const [line, { count, micros }] of counted) {
        add(`${id.creatorId} ${id.articleId} ${id.day} ${line}`, count, micros);
      }
    }
    for (const [key, { paidAs }] of this.#recorded) {
      const [engagement] = this.#presented.get(key) ?? [];
      if (!paidAs || !engagement) continue;
      const { articleId, occurredAtMs } = engagement;
      const name = `${paidAs.creatorId} ${articleId} ${utcDayOf(occurredAtMs)} ${paidAs.line}`;
      add(name, 1n, this.priceOf(paidAs.line));
    }
    return lines;
  }

  #heldLines(tables: SimulatedTables): Map<string, { count: bigint; micros: bigint }> {
    const lines = new Map<string, { count: bigint; micros: bigint }>();
    for (const { id, counted, engagements } of countersIn(tables)) {
      let inLines = 0n;
      for (const [line, { count, micros }] of counted) {
        const name = `${id.creatorId} ${id.articleId} ${id.day} ${line}`;
        const sum = lines.get(name) ?? { count: 0n, micros: 0n };
        lines.set(name, { count: sum.count + count, micros: sum.micros + micros });
        inLines += count;
      }
      this.expect(
        inLines === engagements,
        () => `counter ${id.articleId}: ${engagements} engagements, ${inLines}`,
      );
    }
    return lines;
  }

  #checkLedger(tables: SimulatedTables): void {
    const items = tables.all(tableNames.ledgerTable);
    const counters = countersIn(tables);
    for (const item of tables.all(tableNames.earningsCountersTable)) {
      this.expect(item.due === undefined, () => `${item.pk} ${item.sk} is still due`);
    }
    for (const creatorId of new Set(counters.map(({ id }) => id.creatorId))) {
      const own = counters.filter(({ id }) => id.creatorId === creatorId);
      const pending = sumMicros(own.map((counter) => totalMicros(pendingLines(counter))));
      this.expect(pending === 0n, () => `${creatorId} has ${pending} pending for ever`);
      const counted = sumMicros(own.map((counter) => totalMicros(counter.counted)));
      const entries = items
        .filter((item) => isEntryItem(item) && item.pk === `creator#${creatorId}`)
        .map(entryFromItem)
        .sort((a, b) => a.sequence - b.sequence);
      const account = items.find(
        ({ pk, sk }) => pk === `creator#${creatorId}` && !String(sk).startsWith("entry#"),
      );
      const credited = sumMicros(entries.map(creditOf));
      const settled = account?.settledMicros;
      this.expect(
        credited === counted,
        () => `${creatorId}: ${counted} counted, ${credited} booked`,
      );
      this.expect(settled === credited, () => `${creatorId}: account ${settled}, not ${credited}`);
      const numbers = entries.map(({ sequence }) => sequence).join();
      const whole = entries.map((_, index) => index + 1).join();
      this.expect(numbers === whole, () => `${creatorId}: entries ${numbers} have a gap`);
      this.expect(Number(account?.sequence) === entries.length, () => `${creatorId}: sequence`);
      for (const entry of entries) {
        this.expect(imbalanceOf(entry) === 0n, () => `entry ${entry.sequence} does not balance`);
        const inLines = sumMicros(entry.lines.map(({ amountMicros }) => amountMicros));
        this.expect(inLines === entry.amountMicros, () => `entry ${entry.sequence}: its lines`);
        this.expect(entry.amountMicros >= 0n, () => `entry ${entry.sequence} takes money`);
        for (const { kind, rateCardVersion, count, amountMicros } of entry.lines) {
          const right = count * this.priceOf(lineKey(kind, rateCardVersion));
          this.expect(
            amountMicros === right,
            () => `entry ${entry.sequence}: ${kind} is mispriced`,
          );
        }
      }
    }
  }
}

function countersIn(tables: SimulatedTables): Counter[] {
  return tables
    .all(tableNames.earningsCountersTable)
    .filter(({ pk }) => String(pk).startsWith("creator#"))
    .map(counterFromItem);
}

function show(total: { count: bigint; micros: bigint } | undefined): string {
  return total ? `${total.count} (${total.micros} micros)` : "nothing";
}
