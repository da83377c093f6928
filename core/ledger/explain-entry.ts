import type { ArticleId, CreatorId } from "../contracts/ids.ts";
import type { Counter } from "../earnings/counter.ts";
import { type LineParts, type Movement, parseLineKey } from "../earnings/line.ts";
import { partOf } from "../earnings/price-engagement.ts";
import type { Audience } from "../perimeter/caller.ts";
import { problems } from "../perimeter/problem.ts";
import type { Article, ArticleStore } from "../registry/article.ts";
import type { Creator, CreatorStore } from "../registry/creator.ts";
import {
  allRateCards,
  parseCardRef,
  type RateCard,
  type RateCardStore,
  weightPercentOf,
} from "../registry/rate-card.ts";
import { chunk } from "../values/group-by.ts";
import type { UtcDay } from "../values/time.ts";
import { type EntryLine, entryIdOf, type LedgerEntry } from "./entry.ts";
import { type EntryPlace, parseEntryId } from "./entry-id.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { presentEntry } from "./present-entry.ts";

export interface ExplainDeps {
  readonly ledger: Pick<LedgerStore, "entry" | "correctionsOf">;
  /** All shards of one creator's counter of an article and day; strongly consistent. */
  readonly countersOf: (
    creatorId: CreatorId,
    articleId: ArticleId,
    day: UtcDay,
  ) => AsyncIterable<Counter>;
  readonly articles: Pick<ArticleStore, "getMany">;
  readonly creators: Pick<CreatorStore, "getMany">;
  readonly rateCards: RateCardStore;
  readonly currency: string;
}

/** Where an entry is, for who may see it. @throws Problem 404 when the id is none. */
export function placeOfEntry(entryId: string): EntryPlace {
  const place = parseEntryId(entryId);
  if (!place) throw noEntry(entryId);
  return place;
}

/**
 * An entry, and why it is what it is: the price behind each line, so that `count` x `unitMicros` is
 * its amount, and the entries that corrected it since.
 * @throws Problem 404 when there is no such entry.
 */
export async function explainEntry(
  deps: ExplainDeps,
  { creatorId, sequence }: EntryPlace,
  audience: Audience,
) {
  const entry = await deps.ledger.entry(creatorId, sequence);
  if (!entry) throw noEntry(entryIdOf({ creatorId, sequence }));
  const [registry, later] = await Promise.all([readRegistry(deps, entry), correctors(deps, entry)]);
  const presented = presentEntry(entry, audience);
  const lines = presented.lines.map((line, index) => {
    const stored = entry.lines[index];
    return stored ? { ...line, ...explainLine(registry, creatorId, stored) } : line;
  });
  const correctedBy = later.map((number) => entryIdOf({ creatorId, sequence: number }));
  return { ...presented, lines, ...(correctedBy.length === 0 ? {} : { correctedBy }) };
}

function noEntry(entryId: string) {
  return problems.notFound(`ledger entry ${JSON.stringify(entryId)}`);
}

interface Registry {
  readonly articles: ReadonlyMap<ArticleId, Article>;
  readonly creator: Creator | undefined;
  readonly cards: readonly RateCard[];
}

async function readRegistry(deps: ExplainDeps, entry: LedgerEntry): Promise<Registry> {
  const { creatorId, lines } = entry;
  if (lines.length === 0) return { articles: new Map(), creator: undefined, cards: [] };
  const ids = [...new Set(lines.map(({ articleId }) => articleId))];
  const [articles, creators, cards] = await Promise.all([
    deps.articles.getMany(ids),
    deps.creators.getMany([creatorId]),
    allRateCards(deps.rateCards, deps.currency),
  ]);
  return { articles, creator: creators.get(creatorId), cards };
}

/** Says only what the registry still knows; what it does not is left out, never guessed. */
function explainLine(registry: Registry, creatorId: CreatorId, line: EntryLine) {
  return line.model === "pool"
    ? poolOfLine(registry, line)
    : priceOfLine(registry, creatorId, line);
}

function termsOf(registry: Registry, { articleId, sharesVersion }: EntryLine) {
  const article = registry.articles.get(articleId);
  return article?.terms.find(({ version }) => version === sharesVersion);
}

function poolOfLine(registry: Registry, line: EntryLine) {
  const group = termsOf(registry, line)?.group;
  return { pool: { ...(group === undefined ? {} : { group }), day: line.day } };
}

function priceOfLine(registry: Registry, creatorId: CreatorId, line: EntryLine) {
  const { scope, version } = parseCardRef(line.card);
  const cards = {
    publisher: registry.cards,
    article: registry.articles.get(line.articleId)?.rateCards ?? [],
    creator: registry.creator?.rateCards ?? [],
  }[scope];
  const card = cards.find((one) => one.version === version);
  const shares = termsOf(registry, line)?.shares ?? [];
  const index = shares.findIndex((share) => share.creatorId === creatorId);
  if (!card || index === -1) return {};
  const { priceMicros, micros, feeMicros } = partOf(card, shares, index, line.kind);
  return {
    price: {
      cardVersion: card.version,
      scope,
      priceMicros: String(priceMicros),
      weightPercent: weightPercentOf(card, line.kind),
      feeBasisPoints: card.feeBasisPoints,
      shareBasisPoints: shares[index]?.basisPoints ?? 0,
      unitMicros: String(micros),
      unitFeeMicros: String(feeMicros),
    },
  };
}

/** What may undo a line later. */
const undoing: Readonly<Partial<Record<Movement, readonly Movement[]>>> = {
  paid: ["voided"],
  held: ["freed", "dropped"],
  freed: ["voided"],
};

const countersAtOnce = 8;

/** Numbers of the entries that corrected this one since: by its id, or through its lines' counters. */
async function correctors(deps: ExplainDeps, entry: LedgerEntry): Promise<number[]> {
  const { creatorId, sequence } = entry;
  const named = await deps.ledger.correctionsOf(creatorId, sequence);
  const found = new Set(named.map((correction) => correction.sequence));
  const undoable = entry.lines.filter(({ movement }) => undoing[movement]);
  const counters = new Map(undoable.map((line) => [`${line.articleId}\t${line.day}`, line]));
  for (const group of chunk([...counters.values()], countersAtOnce)) {
    const look = async ({ articleId, day }: EntryLine) => {
      for await (const counter of deps.countersOf(creatorId, articleId, day)) {
        addUndoing(found, undoable, counter, sequence);
      }
    };
    await Promise.all(group.map(look));
  }
  return [...found].sort((a, b) => a - b);
}

function addUndoing(
  found: Set<number>,
  lines: readonly EntryLine[],
  { id, settled }: Counter,
  after: number,
): void {
  const own = lines.filter((line) => line.articleId === id.articleId && line.day === id.day);
  for (const [key, { entry }] of settled) {
    if (entry > after && own.some((line) => undoes(parseLineKey(key), line))) found.add(entry);
  }
}

function undoes(later: LineParts, line: LineParts): boolean {
  return (
    (undoing[line.movement] ?? []).includes(later.movement) &&
    later.kind === line.kind &&
    later.model === line.model &&
    later.card === line.card &&
    later.sharesVersion === line.sharesVersion
  );
}
