import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type * as z from "zod";
import type { ArticleId, CreatorId } from "../../../core/contracts/ids.ts";
import { limits } from "../../../core/contracts/limits.ts";
import { putArticleSchema } from "../../../core/contracts/registry-bodies.ts";
import {
  type Article,
  changedArticle,
  presentArticle,
  putArticle,
  readArticle,
  termsInForce,
} from "../../../core/registry/article.ts";
import { publishRateCard } from "../../../core/registry/publish-rate-card.ts";
import { defaultRateCard } from "../../../core/registry/rate-card.ts";
import { memoryRegistry } from "./memory-registry.ts";

const noon = Date.parse("2028-02-29T12:00:00Z");
const articleId = "a" as ArticleId;
const share = (creatorId: string, basisPoints: number) => ({
  creatorId: creatorId as CreatorId,
  basisPoints,
});
const halves = [share("ada", 5_000), share("bea", 5_000)];

type Body = z.input<typeof putArticleSchema>;

function registered() {
  const registry = memoryRegistry(noon);
  const put = (body: Omit<Body, "title">) =>
    registry.putArticle(articleId, { title: "A", ...body });
  return { ...registry, put };
}

describe("the shares and group of an article", () => {
  test("the first hold for whatever happened before it was registered", async () => {
    const { put } = registered();
    expect(await put({ creatorId: "ada" })).toEqual({
      articleId,
      title: "A",
      terms: [{ version: 1, effectiveFromMs: 0, shares: [share("ada", 10_000)], group: "default" }],
      rateCards: [],
      updatedAtMs: noon,
      revision: 1,
    });
  });

  test("others hold from now on, strictly after those before them", async () => {
    const { put, wait } = registered();
    await put({ creatorId: "ada" });
    wait(1_000);
    await put({ shares: halves });
    await put({ shares: halves, group: "serials" });
    const article = await put({ creatorId: "bea" });
    const versions = article.terms.map(({ effectiveFromMs, group }) => [effectiveFromMs, group]);
    expect(versions).toEqual([
      [0, "default"],
      [noon + 1_000, "default"],
      [noon + 1_001, "serials"],
      [noon + 1_002, "serials"],
    ]);
    expect(termsInForce(article, noon).shares).toEqual([share("ada", 10_000)]);
    expect(termsInForce(article, noon + 1_001).shares).toEqual(halves);
  });

  test("the same again, in whatever order, change nothing but the rest of the article", async () => {
    const { put, wait, articles } = registered();
    const first = await put({ shares: halves, group: "serials" });
    wait(1_000);
    const publishedAt = "2028-02-01T00:00:00Z";
    const again = await put({ shares: halves.toReversed(), publishedAt });
    expect(again).toEqual({
      ...first,
      publishedAtMs: Date.parse(publishedAt),
      updatedAtMs: noon + 1_000,
      revision: 2,
    });
    expect(await readArticle(articles, articleId)).toEqual(again);
  });

  test("there are so many versions at most, and the refusal says so", async () => {
    const { put } = registered();
    for (let version = 1; version <= limits.maxVersions; version += 1) {
      await put({ creatorId: `c${version}` });
    }
    const refused = put({ creatorId: "one-more" });
    await expect(refused).rejects.toMatchObject({ status: 409, code: "too-many-versions" });
    await expect(refused).rejects.toThrow(/100 versions/);
    expect(await put({ creatorId: `c${limits.maxVersions}` })).toMatchObject({ title: "A" });
  });

  test("an article's own rate cards stay", async () => {
    const { put, ...registry } = registered();
    await put({ creatorId: "ada" });
    const { prices: _, ...rates } = defaultRateCard("USD");
    const card = {
      ...rates,
      micros: { view: 1, read: 1, reaction: 1, comment: 1, search_visit: 1 },
    };
    await publishRateCard(registry, { ...card, scope: { articleId } }, "r");
    expect((await put({ creatorId: "bea" })).rateCards).toHaveLength(1);
  });

  test("writers at once all get through, one after the other", async () => {
    const { put, articles } = registered();
    const groups = ["one", "two", "three", "four", "five"];
    await Promise.all(groups.map((group) => put({ creatorId: "ada", group })));
    const article = await readArticle(articles, articleId);
    expect(article.revision).toBe(groups.length);
    expect(article.terms.map(({ group }) => group).sort()).toEqual(groups.sort());
  });

  test("a writer who keeps losing is told so", async () => {
    const { articles, clock } = registered();
    const losing = { clock, articles: { ...articles, put: async () => "raced" as const } };
    const body = putArticleSchema.parse({ title: "A", creatorId: "ada" });
    const lost = putArticle(losing, articleId, body);
    await expect(lost).rejects.toMatchObject({ status: 409, code: "contended" });
  });
});

test("whatever is put and however clocks differ, each moment keeps the terms it had", () => {
  const bodies = fc.record({
    creatorId: fc.constantFrom("ada", "bea", "cleo"),
    group: fc.option(fc.constantFrom("default", "serials"), { nil: undefined }),
    waitMs: fc.integer({ min: -5_000, max: 60_000 }),
  });
  fc.assert(
    fc.property(fc.array(bodies, { minLength: 1, maxLength: 40 }), (puts) => {
      let nowMs = noon;
      let article: Article | undefined;
      for (const { waitMs, ...body } of puts) {
        nowMs += waitMs;
        const parsed = putArticleSchema.parse({ title: "A", ...body });
        const next: Article = changedArticle(article, articleId, parsed, nowMs);
        expect(next.terms.map(({ version }) => version)).toEqual(next.terms.map((_, at) => at + 1));
        expect(next.terms.at(-1)).toMatchObject({ shares: [{ creatorId: body.creatorId }] });
        if (article) {
          expect(termsInForce(next, nowMs - 1)).toBe(termsInForce(article, nowMs - 1));
          expect(next.terms.slice(0, article.terms.length)).toEqual(article.terms);
        }
        const starts = next.terms.map(({ effectiveFromMs }) => effectiveFromMs);
        expect(starts).toEqual([...new Set(starts)].sort((a, b) => a - b));
        article = next;
      }
    }),
  );
});

describe("the body of an article", () => {
  const errorsOf = (body: object) =>
    (putArticleSchema.safeParse(body).error?.issues ?? []).map(
      ({ path, message }) => `${path.join(".")}: ${message}`,
    );

  test.each([
    ["too little", [share("a", 5_000), share("b", 4_999)], "these sum to 9999"],
    ["too much", [share("a", 10_000), share("b", 1)], "these sum to 10001"],
    ["one twice", [share("a", 5_000), share("a", 5_000)], "each creator once"],
    ["nobody", [], "at least one creator"],
  ])("shares that give %s are refused by name", (_, shares, why) => {
    expect(errorsOf({ title: "A", shares })[0]).toMatch(/^shares: /);
    expect(errorsOf({ title: "A", shares }).join()).toContain(why);
  });

  test("shares or one creator, not both and not neither", () => {
    const either = ["shares: send either creatorId or shares"];
    expect(errorsOf({ title: "A" })).toEqual(either);
    expect(errorsOf({ title: "A", creatorId: "ada", shares: halves })).toEqual(either);
  });

  test("any division of 10,000 is taken, and nothing else", () => {
    const parts = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(parts, (basisPoints) => {
        const shares = basisPoints.map((part, index) => share(`c${index}`, part));
        const sum = basisPoints.reduce((total, part) => total + part, 0);
        const { success } = putArticleSchema.safeParse({ title: "A", shares });
        expect(success).toBe(sum === limits.basisPoints);
        const last = limits.basisPoints - sum;
        if (last < 1 || shares.length === limits.maxCreatorsPerArticle) return;
        const whole = { title: "A", shares: [...shares, share("last", last)] };
        expect(putArticleSchema.safeParse(whole).success).toBe(true);
      }),
    );
  });
});

test("an article is shown as it is now, with every version", async () => {
  const { put, wait } = registered();
  const single = presentArticle(
    await put({ creatorId: "ada", publishedAt: "2028-02-01T00:00:00Z" }),
  );
  expect(single).toEqual({
    articleId,
    title: "A",
    shares: [share("ada", 10_000)],
    creatorId: "ada",
    sharesVersion: 1,
    group: "default",
    versions: [
      {
        version: 1,
        effectiveFrom: "1970-01-01T00:00:00.000Z",
        shares: [share("ada", 10_000)],
        group: "default",
      },
    ],
    publishedAt: "2028-02-01T00:00:00.000Z",
    updatedAt: "2028-02-29T12:00:00.000Z",
  });
  wait(1_000);
  const shared = presentArticle(await put({ shares: halves, group: "serials" }));
  expect(shared).toMatchObject({ shares: halves, sharesVersion: 2, group: "serials" });
  expect(shared.versions).toHaveLength(2);
  expect(shared).not.toHaveProperty("creatorId");
  expect(shared).not.toHaveProperty("publishedAt");
});
