import { createHash } from "node:crypto";
import { z } from "zod";
import { escapeHidden } from "../../core/contracts/shown-text.ts";
import { type Api, type ApiAnswer, ApiFailure, describe } from "../api/api-client.ts";

export interface RegisteredArticle {
  readonly articleId: string;
  /** Whom it pays or paid, as the registry says; never empty. */
  readonly creatorIds: readonly string[];
}

export type Registration =
  | { readonly article: RegisteredArticle; readonly isNew: boolean }
  | { readonly refused: string };

export interface ArticleRegistrar {
  /** Makes sure that the article is registered; asks the API once for each id. */
  ensure(articleId: string, creatorId: string): Promise<Registration>;
}

const shares = z.array(z.object({ creatorId: z.string() }));
const articleShape = z
  .object({
    articleId: z.string(),
    shares: shares.min(1),
    /** Oldest first: what is old enough is paid to those who had the article then. */
    versions: z.array(z.object({ shares })).default([]),
  })
  .transform(({ articleId, shares: latest, versions }) => {
    const all = [latest, ...versions.map((version) => version.shares)].flat();
    return { articleId, creatorIds: [...new Set(all.map(({ creatorId }) => creatorId))] };
  });

/**
 * An article that is there already is left alone: the publisher may have given it a better title,
 * and above all other creators, whose money it is.
 */
export function articleRegistrar(api: Api): ArticleRegistrar {
  const known = new Map<string, Promise<Registration>>();
  return {
    ensure(articleId, creatorId) {
      const registration = known.get(articleId) ?? register(api, articleId, creatorId);
      known.set(articleId, registration);
      return registration;
    },
  };
}

async function register(api: Api, articleId: string, creatorId: string): Promise<Registration> {
  const path = `/v1/articles/${encodeURIComponent(articleId)}`;
  const there = await api({ as: "publisher", method: "GET", path });
  if (there.status !== 404) return readAnswer(articleId, there, false);
  // A path may hold what no title may.
  const body = { title: escapeHidden(articleId), creatorId };
  const idempotencyKey = `import-log-${digest([articleId, body.title, creatorId])}`;
  const put = await api({ as: "publisher", method: "PUT", path, body, idempotencyKey });
  return readAnswer(articleId, put, true);
}

function readAnswer(articleId: string, answer: ApiAnswer, isNew: boolean): Registration {
  const article = articleShape.safeParse(answer.body);
  if (answer.status === 200 && article.success) {
    // A proxy on the way may have rewritten the path: never count for an article of another name.
    if (article.data.articleId === articleId) return { article: article.data, isNew };
    return { refused: `the API read the id as ${JSON.stringify(article.data.articleId)}` };
  }
  if (answer.status === 400 || answer.status === 414) return { refused: describe(answer) };
  throw new ApiFailure(
    `article ${JSON.stringify(articleId)}: unexpected answer ${describe(answer)}`,
    answer.status,
  );
}

function digest(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}
