import { groupBy } from "../../core/values/group-by.ts";
import type { Item } from "./expressions.ts";
import { plainPart } from "./plain-price.ts";
import { type AroundIt, type Traffic, verdictsFor } from "./plain-verdict.ts";
import type { Presented } from "./reader-memory.ts";
import { inForce, type RegistryMemory } from "./registry-memory.ts";

/** What is known about the write of an impression key, to judge it by. */
export interface KeyContext {
  readonly registry: RegistryMemory;
  readonly traffic: Traffic;
  readonly poolOpenMs: number;
  readonly presented: Presented;
  readonly around: AroundIt;
  /** Weight that the reader may have used in a group's pool, apart from this. */
  readonly weightUsed: (groupId: string, day: string) => { least: bigint; most: bigint };
  /** When its worker began, and now. */
  readonly sinceMs: number;
  readonly nowMs: number;
}

const dayMs = 86_400_000;
const clockOffMs = 5 * 60_000;

const utcDay = (epochMs: number) => new Date(epochMs).toISOString().slice(0, 10);

/** @returns why an impression key cannot be right, one reason for each way it could have been. */
export function wrongWith(item: Item, context: KeyContext): string[] {
  const { registry, presented, sinceMs } = context;
  const { articleId } = presented.engagement;
  const wrong: string[] = [];
  for (const article of registry.articlesSince(articleId, sinceMs)) {
    if (!article) {
      if (item.state === "rejected") return [];
      wrong.push("the article is unknown");
      continue;
    }
    const terms = inForce(article.terms, presented.engagement.occurredAtMs) as Item;
    for (const group of registry.groupsSince(String(terms.group), sinceMs)) {
      for (const cards of registry.cardsSince(sinceMs)) {
        const why = wrongAs(item, context, { article, terms, group, cards });
        if (why === undefined) return [];
        wrong.push(why);
      }
    }
  }
  return [...new Set(wrong)];
}

interface AsRead {
  readonly article: Item;
  readonly terms: Item;
  readonly group: Item | undefined;
  readonly cards: readonly Item[];
}

function wrongAs(item: Item, context: KeyContext, read: AsRead): string | undefined {
  const { registry, presented, around, traffic, sinceMs } = context;
  const { occurredAtMs } = presented.engagement;
  const creatorsOf = (id: string) => registry.creatorsSince(id, sinceMs);
  const verdicts = verdictsFor(presented.engagement, { ...read, creatorsOf }, around, traffic);
  const poolTerms = (atMs: number) => {
    const terms = inForce(read.group?.versions, atMs);
    return terms?.model === "pool" ? terms : undefined;
  };
  if (!poolTerms(occurredAtMs)) return wrongByRates(item, context, read, verdicts);
  const why: string[] = [];
  for (const day of poolDays(occurredAtMs, context)) {
    // Too late for its own day, and there is no pool any more: it is paid by rates.
    const terms = poolTerms(Date.parse(day) + dayMs - 1);
    const wrong = terms
      ? wrongInPool(item, context, read, day, terms, verdicts)
      : wrongByRates(item, context, read, verdicts);
    if (wrong === undefined) return undefined;
    why.push(wrong);
  }
  return why.join(" or ");
}

function wrongByRates(
  item: Item,
  context: KeyContext,
  read: AsRead,
  verdicts: ReadonlySet<string>,
): string | undefined {
  const { registry, presented, sinceMs } = context;
  const { engagement } = presented;
  const creatorsOf = (id: string) => registry.creatorsSince(id, sinceMs);
  const verdict = item.reason === undefined ? String(item.state) : `${item.state}.${item.reason}`;
  if (!verdicts.has(verdict)) return `${verdict}, not ${[...verdicts]}`;
  if (item.pool !== undefined) return "in a pool that is none";
  if (item.day !== utcDay(engagement.occurredAtMs)) return `on ${item.day}`;
  return wrongCredits(item, context, read, (credit, at, kind) => {
    const shares = read.terms.shares as readonly Item[];
    const own = inForce(read.article.rateCards, engagement.occurredAtMs);
    const options = creatorsOf(String(shares[at]?.creatorId)).map((creator) => {
      const ofCreator = inForce(creator?.rateCards, engagement.occurredAtMs);
      if (own) return { card: own, ref: `a${own.version}` };
      if (ofCreator) return { card: ofCreator, ref: `c${ofCreator.version}` };
      const card = inForce(read.cards, engagement.occurredAtMs) as Item;
      return { card, ref: String(card.version) };
    });
    const letter = { paid: "p", held: "h", void: "n" }[String(item.state)];
    const fits = options.some(({ card, ref }) => {
      const part = plainPart(card, shares, at, kind);
      const [net, fee] = item.state === "void" ? [0n, 0n] : [part.net, part.fee];
      return (
        credit.l === lineName(kind, ref, read.terms, letter, item.reason) &&
        (credit.m ?? 0n) === net &&
        (credit.f ?? 0n) === fee &&
        credit.w === undefined
      );
    });
    const shown = options.map(
      ({ ref, card }) => `${ref}: ${plainPart(card, shares, at, kind).net}`,
    );
    return fits ? undefined : `${credit.c} ${credit.l} ${credit.m} ${credit.f}, not ${shown}`;
  });
}

/** What would be held elsewhere is void in a pool, and so is what weighs nothing any more. */
function wrongInPool(
  item: Item,
  context: KeyContext,
  read: AsRead,
  day: string,
  terms: Item,
  verdicts: ReadonlySet<string>,
): string | undefined {
  const { engagement } = context.presented;
  const shares = read.terms.shares as readonly Item[];
  const own = inForce(read.article.rateCards, engagement.occurredAtMs);
  const card = own ?? (inForce(read.cards, engagement.occurredAtMs) as Item);
  const ref = own ? `a${own.version}` : String(card.version);
  const used = context.weightUsed(String(read.terms.group), day);
  const cap = terms.readerCap as bigint;
  const verdict = item.reason === undefined ? String(item.state) : `${item.state}.${item.reason}`;
  const paid = item.state === "paid";
  const price = plainPart(card, shares, 0, kindIn(item)).price;
  const right = new Set([...verdicts].map((one) => one.replace("held.", "void.")));
  if (verdicts.has("paid") && used.most >= cap && price > 0n) right.add("void.reader_cap");
  if (!right.has(verdict)) return `in a pool ${verdict}, not ${[...right]}`;
  if (paid !== (item.pool !== undefined && item.pool === read.group?.number)) return "pool number";
  const [first] = item.credits as readonly Item[];
  const weight = ((first?.w ?? 0n) as bigint) / ((shares[0]?.basisPoints ?? 1n) as bigint);
  if (paid) {
    const most = cap - used.least < price ? cap - used.least : price;
    const cut = weight < price && cap - used.most > weight;
    if (weight < 0n || (weight === 0n && price > 0n) || weight > most || cut) {
      return `weighs ${weight} of ${price}, ${used.least} to ${used.most} of ${cap} used`;
    }
  }
  if (item.day !== day) return `in the pool of ${item.day}, not ${day}`;
  return wrongCredits(item, context, read, (credit, at, kind) => {
    const line = lineName(kind, `~${ref}`, read.terms, paid ? "w" : "n", item.reason);
    const ofPart = weight * (shares[at]?.basisPoints as bigint);
    const fits =
      credit.l === line &&
      (credit.w ?? 0n) === (paid ? ofPart : 0n) &&
      credit.m === undefined &&
      credit.f === undefined;
    return fits ? undefined : `in a pool ${credit.l} ${credit.w}, not ${line} ${ofPart}`;
  });
}

function poolDays(occurredAtMs: number, { sinceMs, nowMs, poolOpenMs }: KeyContext): Set<string> {
  const openUntilMs = (Math.floor(occurredAtMs / dayMs) + 1) * dayMs + poolOpenMs;
  const days = new Set<string>();
  if (sinceMs - clockOffMs < openUntilMs) days.add(utcDay(occurredAtMs));
  if (nowMs + clockOffMs >= openUntilMs) {
    for (const ms of [sinceMs - clockOffMs, nowMs + clockOffMs]) days.add(utcDay(ms));
  }
  return days;
}

/** The kind as it was priced: all credits say the same. */
function kindIn(item: Item): string {
  return String((item.credits as readonly Item[])[0]?.l).split(".")[0] ?? "";
}

function wrongCredits(
  item: Item,
  { presented: { engagement } }: KeyContext,
  { terms }: AsRead,
  wrong: (credit: Item, at: number, kind: string) => string | undefined,
): string | undefined {
  const shares = terms.shares as readonly Item[];
  const credits = item.credits as readonly Item[];
  const kind = kindIn(item);
  const variant = {
    reaction: `reaction:${engagement.reaction ?? "like"}`,
    comment: `comment:${engagement.comment?.length ?? "short"}`,
  }[engagement.kind as string];
  if (kind !== (variant ?? engagement.kind)) return `priced as ${kind}`;
  const paid = credits.map(({ c }) => c).join();
  const shared = shares.map(({ creatorId }) => creatorId).join();
  if (paid !== shared) return `credits ${paid}, not ${shared}`;
  if (groupBy(credits, ({ c }) => c).size < credits.length) return `credits ${paid} twice`;
  for (const [at, credit] of credits.entries()) {
    const why = wrong(credit, at, kind);
    if (why !== undefined) return why;
  }
  return undefined;
}

function lineName(kind: string, ref: string, terms: Item, letter: unknown, reason: unknown) {
  const parts = [kind, ref, terms.version, letter];
  return (reason === undefined ? parts : [...parts, reason]).join(".");
}
