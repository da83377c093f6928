import type { Api, ApiAnswer } from "../../../scripts/import-log/api-client.ts";

interface Engagement {
  readonly articleId: string;
  readonly readerId: string;
  readonly kind: "view" | "search_visit";
  readonly occurredAt: string;
}

/** A Pennyline in memory, as far as an importer sees it: counts on `countAll`, not at once. */
export function simpleApi({ adminMayProve = true } = {}) {
  const articles = new Map<string, { articleId: string; creatorId: string; title: string }>();
  const waiting: Engagement[] = [];
  const counted = new Map<string, Engagement>();
  const batches: Engagement[][] = [];
  const puts: string[] = [];
  const state = { ok: true, rejectedLater: 0, adminMayProve };

  const answer = (status: number, body: unknown): ApiAnswer => ({ status, body });

  function readEarnings(creatorId: string): ApiAnswer {
    const items = [...articles.values()]
      .filter((article) => article.creatorId === creatorId)
      .map(({ articleId }) => {
        const its = [...counted.values()].filter((one) => one.articleId === articleId);
        const views = its.filter(({ kind }) => kind === "view").length;
        const searchVisits = its.length - views;
        return { articleId, views, searchVisits, micros: String(1_000 * its.length) };
      });
    return answer(200, { items: items.filter(({ micros }) => micros !== "0") });
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
      articles.set(articleId, { articleId, ...(body as { creatorId: string; title: string }) });
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
    return answer(200, {
      ok: state.ok,
      quiet: true,
      counted: { engagements: String(counted.size), micros: String(1_000 * counted.size) },
      rejected: { engagements: String(state.rejectedLater) },
      counters: { pendingMicros: "0" },
      ledger: { entries: 0, micros: "0" },
      differences: [],
    });
  };

  function countAll(most = Number.POSITIVE_INFINITY): void {
    for (const one of waiting.splice(0, most)) {
      const day = one.occurredAt.slice(0, 10);
      counted.set(JSON.stringify([one.articleId, one.readerId, one.kind, day]), one);
    }
  }

  return { api, articles, batches, puts, state, countAll };
}
