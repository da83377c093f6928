import type { AcceptedEngagement } from "../../core/contracts/events.ts";
import type { ArticleId, CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import type { Share } from "../../core/registry/article.ts";

/** Who reads what, and whom that pays. */
export interface Traffic {
  readonly name: string;
  readonly articles: number;
  /** Which article, from a random number of 0 to 1 and the number of the attempt. */
  readonly articleOf: (random: number, index: number) => number;
  /** Of these one creator has so many. */
  readonly articlesPerCreator: number;
  /** Who share each article. */
  readonly creatorsPerArticle: number;
  /** How many articles a reader opens in a day. */
  readonly perReader: number;
}

/** One reader, one view: the dearest there is, since every engagement asks for a history. */
const plain = { creatorsPerArticle: 1, perReader: 1 };

export const hot: Traffic = {
  ...plain,
  name: "one hot article",
  articles: 1,
  articlesPerCreator: 1,
  articleOf: () => 0,
};

/** A hundred articles for each creator, as on a platform of serial fiction. */
export const longTail: Traffic = {
  ...plain,
  name: "10,000 articles, Zipf",
  articles: 10_000,
  articlesPerCreator: 100,
  articleOf: zipf(10_000),
};

/** Engagements spread evenly over so many creators of one article each. */
export function evenly(creators: number): Traffic {
  return {
    ...plain,
    name: `${creators.toLocaleString("en")} creators`,
    articles: creators,
    articlesPerCreator: 1,
    articleOf: (_, index) => index % creators,
  };
}

export function articleIds({ articles }: Traffic): ArticleId[] {
  return Array.from({ length: articles }, (_, index) => articleAt(index));
}

function articleAt(index: number): ArticleId {
  return `/chapters/${index}` as ArticleId;
}

export function sharesIn(traffic: Traffic): (articleId: ArticleId) => Share[] {
  const { articlesPerCreator, creatorsPerArticle: count } = traffic;
  const part = Math.floor(10_000 / count);
  return (articleId) => {
    const first = Math.floor(Number(articleId.split("/")[2]) / articlesPerCreator);
    return Array.from({ length: count }, (_, index) => ({
      creatorId: `creator-${first}${index === 0 ? "" : `-${index}`}` as CreatorId,
      basisPoints: index === 0 ? 10_000 - part * (count - 1) : part,
    }));
  };
}

/** The same in every run. Readers come back for another article while others read. */
export function engagementsOf(traffic: Traffic, total: number): AcceptedEngagement[] {
  const random = generator(7);
  const occurredAtMs = Date.now();
  const readers = Math.ceil(total / traffic.perReader);
  const opened = new Set<string>();
  const engagements: AcceptedEngagement[] = [];
  for (let index = 0; engagements.length < total; index += 1) {
    const readerId = `reader-${index % readers}` as ReaderId;
    const articleId = articleAt(traffic.articleOf(random(), index));
    const what = `${readerId} ${articleId}`;
    if (opened.has(what)) continue;
    opened.add(what);
    engagements.push({
      ...{ articleId, readerId, kind: "view", occurredAtMs, channel: "publisher" },
    });
  }
  return engagements;
}

export function creatorsOf(
  traffic: Traffic,
  engagements: readonly AcceptedEngagement[],
): CreatorId[] {
  const sharesOf = sharesIn(traffic);
  const ids = engagements.flatMap(({ articleId }) =>
    sharesOf(articleId).map(({ creatorId }) => creatorId),
  );
  return [...new Set(ids)];
}

/** Popularity by rank with exponent 1, by inverting its cumulative distribution. */
function zipf(count: number): (random: number) => number {
  const cumulative: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= count; rank += 1) {
    sum += 1 / rank;
    cumulative.push(sum);
  }
  return (random) => {
    const at = cumulative.findIndex((value) => value >= random * sum);
    return at === -1 ? count - 1 : at;
  };
}

/** A small linear congruential generator: the same traffic in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
