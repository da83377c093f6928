import type { ViewTokenClaims } from "../contracts/bodies.ts";
import type { ArticleId, ReaderId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { type ArticleStore, readArticle } from "../registry/article.ts";
import type { Clock } from "../values/time.ts";

export type TokenVerdict =
  | { readonly ok: true; readonly claims: ViewTokenClaims }
  | {
      readonly ok: false;
      readonly code: "token_invalid" | "token_expired";
      readonly detail: string;
    };

/** Signs and checks view tokens: JWS HS256 with a `kid`, so that secrets can be rotated. */
export interface ViewTokens {
  sign(claims: ViewTokenClaims): Promise<string>;
  verify(token: string): Promise<TokenVerdict>;
}

interface Deps {
  readonly tokens: ViewTokens;
  readonly articles: ArticleStore;
  readonly clock: Clock;
  readonly newId: () => string;
}

/**
 * A signed proof that the publisher served this article to this reader.
 * @throws Problem 404 when the article was never registered.
 */
export async function issueViewToken(
  deps: Deps,
  { articleId, readerId }: { articleId: ArticleId; readerId: ReaderId },
): Promise<{ token: string; expiresAt: string }> {
  await readArticle(deps.articles, articleId);
  const iat = Math.floor(deps.clock.nowMs() / 1_000);
  const exp = iat + limits.viewTokenTtlMs / 1_000;
  const token = await deps.tokens.sign({
    sub: readerId,
    art: articleId,
    iat,
    exp,
    jti: deps.newId(),
  });
  return { token, expiresAt: new Date(exp * 1_000).toISOString() };
}
