import type * as z from "zod";
import {
  type ArticleGroupId,
  type ArticleId,
  type CreatorId,
  defaultArticleGroup,
} from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { patchArticleSchema, putArticleSchema } from "../contracts/registry-bodies.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import type { RateCard } from "./rate-card.ts";
import { tooManyVersions, untilWritten } from "./until-written.ts";

export interface Share {
  readonly creatorId: CreatorId;
  readonly basisPoints: number;
}

/** Who gets which part of what an article earns, and in which group it is paid for, from a moment on. */
export interface ArticleTerms {
  /** 1, 2, 3 … */
  readonly version: number;
  /** The first version's is 0: it holds for whatever happened before the article was registered. */
  readonly effectiveFromMs: number;
  /** Basis points that sum to 10,000. */
  readonly shares: readonly Share[];
  readonly group: ArticleGroupId;
}

/** What readers engage with, and whom that pays. */
export interface Article {
  readonly articleId: ArticleId;
  readonly title: string;
  /** Oldest first, never empty. */
  readonly terms: readonly ArticleTerms[];
  /** Own rate cards, oldest first. */
  readonly rateCards: readonly RateCard[];
  readonly publishedAtMs?: number;
  readonly updatedAtMs: number;
  /** Changes with every write, so that two writers cannot undo each other. */
  readonly revision: number;
}

export function termsInForce({ articleId, terms }: Article, atMs: number): ArticleTerms {
  const found = terms.findLast(({ effectiveFromMs }) => effectiveFromMs <= atMs);
  if (!found) throw new Error(`article ${JSON.stringify(articleId)} has no terms at ${atMs}`);
  return found;
}

export interface ArticleStore {
  /** `raced` when the stored revision is not `article.revision - 1` (0: there is none yet). */
  put(article: Article): Promise<"put" | "raced">;
  /** Strongly consistent; an unknown id is simply absent from the result. */
  getMany(articleIds: readonly ArticleId[]): Promise<ReadonlyMap<ArticleId, Article>>;
}

type ArticleBody = z.infer<typeof putArticleSchema>;

/**
 * Registers an article or changes it: other shares or another group hold from now on, for what was
 * earned before keeps its division.
 * @throws Problem 409 when it has all the versions it may have, or other writers keep winning.
 */
export async function putArticle(
  { articles, clock }: { articles: ArticleStore; clock: Clock },
  articleId: ArticleId,
  body: ArticleBody,
): Promise<Article> {
  return await untilWritten(`article ${JSON.stringify(articleId)}`, async () => {
    const stored = (await articles.getMany([articleId])).get(articleId);
    const article = changedArticle(stored, articleId, body, clock.nowMs());
    return (await articles.put(article)) === "put" ? article : "raced";
  });
}

/**
 * Changes the fields of an article that the body names: the title leaves its shares and group in
 * force as they are.
 * @throws Problem 404 when it was never registered; 409 as `putArticle`.
 */
export async function patchArticle(
  { articles, clock }: { articles: ArticleStore; clock: Clock },
  articleId: ArticleId,
  body: z.infer<typeof patchArticleSchema>,
): Promise<Article> {
  return await untilWritten(`article ${JSON.stringify(articleId)}`, async () => {
    const stored = await readArticle(articles, articleId);
    const article = changedArticle(stored, articleId, mergedBody(stored, body), clock.nowMs());
    return (await articles.put(article)) === "put" ? article : "raced";
  });
}

function mergedBody(stored: Article, body: z.infer<typeof patchArticleSchema>): ArticleBody {
  const { title = stored.title, creatorId, group, publishedAt = stored.publishedAtMs } = body;
  const shares = body.shares ?? (creatorId === undefined ? stored.terms.at(-1)?.shares : undefined);
  return {
    title,
    creatorId,
    shares: shares && [...shares],
    group,
    publishedAt: publishedAt ?? undefined,
  };
}

/** What a PUT makes of an article as it is stored, or of none. */
export function changedArticle(
  stored: Article | undefined,
  articleId: ArticleId,
  body: ArticleBody,
  nowMs: number,
): Article {
  return {
    articleId,
    title: body.title,
    terms: changedTerms(stored, body, nowMs),
    rateCards: stored?.rateCards ?? [],
    ...(body.publishedAt === undefined ? {} : { publishedAtMs: body.publishedAt }),
    updatedAtMs: nowMs,
    revision: (stored?.revision ?? 0) + 1,
  };
}

function changedTerms(stored: Article | undefined, body: ArticleBody, nowMs: number) {
  const shares = sharesOf(body);
  const latest = stored?.terms.at(-1);
  if (!stored || !latest) {
    const group = body.group ?? defaultArticleGroup;
    return [{ version: 1, effectiveFromMs: 0, shares, group }];
  }
  const group = body.group ?? latest.group;
  if (group === latest.group && sameShares(shares, latest.shares)) return stored.terms;
  if (stored.terms.length >= limits.maxVersions) {
    throw tooManyVersions(
      `The shares and group of article ${JSON.stringify(stored.articleId)}`,
      limits.maxVersions,
    );
  }
  // Strictly after its predecessor, so that no moment has two versions, however clocks differ.
  const effectiveFromMs = Math.max(nowMs, latest.effectiveFromMs + 1);
  return [...stored.terms, { version: latest.version + 1, effectiveFromMs, shares, group }];
}

function sharesOf({ creatorId, shares }: ArticleBody): readonly Share[] {
  if (shares) return shares;
  if (creatorId) return [{ creatorId, basisPoints: limits.basisPoints }];
  throw new Error("the schema lets no article through that names no creator");
}

/** In any order: that decides only whose the odd micro is, and is no reason for a new version. */
function sameShares(some: readonly Share[], others: readonly Share[]): boolean {
  const basisPointsOf = new Map(others.map((share) => [share.creatorId, share.basisPoints]));
  return (
    some.length === others.length &&
    some.every(({ creatorId, basisPoints }) => basisPointsOf.get(creatorId) === basisPoints)
  );
}

/** @throws Problem 404 when it was never registered. */
export async function readArticle(
  articles: Pick<ArticleStore, "getMany">,
  articleId: ArticleId,
): Promise<Article> {
  const article = (await articles.getMany([articleId])).get(articleId);
  if (!article) throw problems.notFound(`article ${JSON.stringify(articleId)}`);
  return article;
}

/** What lists know of an article. */
export type ListedArticle = Omit<Article, "rateCards" | "revision">;

export function latestTerms({ articleId, terms }: ListedArticle): ArticleTerms {
  const latest = terms.at(-1);
  if (!latest) throw new Error(`article ${JSON.stringify(articleId)} has no terms`);
  return latest;
}

/** The public shape: the latest terms, and all there ever were, oldest first. */
export function presentArticle(article: Article) {
  const { publishedAt, updatedAt, ...rest } = presentListed(article);
  return {
    ...rest,
    versions: article.terms.map(({ version, effectiveFromMs, shares, group }) => ({
      version,
      effectiveFrom: new Date(effectiveFromMs).toISOString(),
      shares,
      group,
    })),
    ...(publishedAt === undefined ? {} : { publishedAt }),
    updatedAt,
  };
}

/** The same in a list: the latest terms alone. */
export function presentListed(article: ListedArticle) {
  const { articleId, title, publishedAtMs, updatedAtMs } = article;
  const latest = latestTerms(article);
  const [first, ...others] = latest.shares;
  return {
    articleId,
    title,
    shares: latest.shares,
    ...(first && others.length === 0 ? { creatorId: first.creatorId } : {}),
    sharesVersion: latest.version,
    group: latest.group,
    ...(publishedAtMs === undefined ? {} : { publishedAt: new Date(publishedAtMs).toISOString() }),
    updatedAt: new Date(updatedAtMs).toISOString(),
  };
}
