import type { Api, ApiAnswer } from "../../../cli/api/api-client.ts";
import { simpleProof } from "../cli/simple-proof.ts";

interface Engagement {
  readonly articleId: string;
  readonly readerId: string;
  readonly kind: "view" | "search_visit";
  readonly occurredAt: string;
  readonly userAgent?: string;
}

/** In place of the API's rules: a reader's name says what becomes of what it does. */
function stateOf({ readerId, userAgent = "" }: Engagement): "paid" | "held" | "void" {
  if (userAgent.includes("bot")) return "void";
  return readerId.startsWith("hasty") ? "held" : "paid";
}

interface StoredArticle {
  readonly articleId: string;
  readonly shares: readonly { readonly creatorId: string }[];
  readonly versions?: readonly Pick<StoredArticle, "shares">[];
}

/** A Pennyline in memory, as far as an importer sees it: counts on `countAll`, not at once. */
export function simpleApi({ adminMayProve = true } = {}) {
  const articles = new Map<string, StoredArticle>();
  const waiting: Engagement[] = [];
  const counted = new Map<string, Engagement>();
  const batches: Engagement[][] = [];
  const puts: string[] = [];
  const state = { ok: true, rejectedLater: 0, adminMayProve };

  const answer = (status: number, body: unknown): ApiAnswer => ({ status, body });

  function readEarnings(creatorId: string): ApiAnswer {
    const items = [...articles.values()]
      .filter(({ shares }) => shares.some((share) => share.creatorId === creatorId))
      .map(({ articleId }) => {
        const its = [...counted.values()].filter((one) => one.articleId === articleId);
        const inState = (state: string) => its.filter((one) => stateOf(one) === state);
        const earning = its.filter((one) => stateOf(one) !== "void");
        const views = earning.filter(({ kind }) => kind === "view").length;
        const [held, bots] = [inState("held").length, inState("void").length];
        return {
          ...{ articleId, views, reads: 0, reactions: 0, comments: 0 },
          searchVisits: earning.length - views,
          held: held === 0 ? {} : { over_rate: held },
          void: bots === 0 ? {} : { bot: bots },
          paidMicros: String(1_000 * (earning.length - held)),
          heldMicros: String(1_000 * held),
          engagements: its.length,
        };
      });
    return answer(200, { items: items.filter(({ engagements }) => engagements > 0) });
  }

  function acceptBatch(engagements: Engagement[]): ApiAnswer {
    batches.push(engagements);
    const rejected = engagements.flatMap(({ readerId }, index) =>
      readerId.startsWith("refused") ? [{ index, code: "invalid", detail: "no such reader" }] : [],
    );
    const bad = new Set(rejected.map(({ index }) => index));
    waiting.push(...engagements.filter((_, index) => !bad.has(index)));
    const accepted = engagements.length - rejected.length;
    return answer(accepted === 0 ? 400 : 202, { accepted, rejected });
  }

  function article(method: string, articleId: string, body: unknown): ApiAnswer {
    if (articleId.includes("refused")) return answer(400, { detail: "not this one" });
    if (method === "PUT") {
      puts.push(articleId);
      const { creatorId } = body as { creatorId: string };
      articles.set(articleId, { articleId, shares: [{ creatorId }] });
    }
    const found = articles.get(articleId);
    return found ? answer(200, found) : answer(404, {});
  }

  const api: Api = async ({ method, path, body }) => {
    const [, route = "", id = ""] = /^\/v1\/(articles|creators)\/([^/?]+)/.exec(path) ?? [];
    if (route === "articles") return article(method, decodeURIComponent(id), body);
    if (route === "creators") return readEarnings(decodeURIComponent(id));
    if (path === "/v1/engagements/batch") {
      return acceptBatch((body as { engagements: Engagement[] }).engagements);
    }
    const engagements = String(counted.size);
    return answer(
      200,
      simpleProof({
        ok: state.ok,
        counted: { engagements, micros: `${counted.size}000`, voidedMicros: "0" },
        rejected: { engagements: String(state.rejectedLater) },
      }),
    );
  };

  function countAll(most = Number.POSITIVE_INFINITY): void {
    for (const one of waiting.splice(0, most)) {
      const day = one.occurredAt.slice(0, 10);
      counted.set(JSON.stringify([one.articleId, one.readerId, one.kind, day]), one);
    }
  }

  return { api, articles, batches, puts, state, countAll };
}
