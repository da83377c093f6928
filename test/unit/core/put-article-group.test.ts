import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ArticleGroupId, articleGroupIdSchema } from "../../../core/contracts/ids.ts";
import { limits } from "../../../core/contracts/limits.ts";
import {
  type ArticleGroup,
  changedGroup,
  groupTermsInForce,
  presentArticleGroup,
  putArticleGroup,
} from "../../../core/registry/article-group.ts";
import { dayMs } from "../../../core/values/time.ts";
import { memoryRegistry } from "./memory-registry.ts";

const today = Date.parse("2028-02-29T00:00:00Z");
const noon = today + dayMs / 2;
const tomorrow = today + dayMs;
const serials = articleGroupIdSchema.parse("serials");
const pool = (dailyMicros: number) => ({ model: "pool" as const, dailyMicros, readerCap: 1_000 });
const rates = { model: "rates" as const };

function registry() {
  const stores = memoryRegistry(noon);
  const put = (body: Parameters<typeof putArticleGroup>[2], groupId: ArticleGroupId = serials) =>
    putArticleGroup(stores, groupId, body);
  return { ...stores, put };
}

describe("how a group is paid for", () => {
  test("a new group's first version holds from the next day on, and until then rates do", async () => {
    const { put } = registry();
    const group = await put(pool(5));
    expect(group).toMatchObject({
      ...{ groupId: "serials", number: 1, revision: 1 },
      versions: [{ version: 1, effectiveFromMs: tomorrow, model: "pool", dailyMicros: 5n }],
    });
    expect(groupTermsInForce(group, tomorrow - 1)).toEqual(rates);
  });

  test("a change holds from the next day on, and what has begun stays", async () => {
    const { put, wait } = registry();
    await put(pool(5));
    wait(dayMs);
    await put(pool(6));
    wait(dayMs);
    const group = await put(rates);
    const shown = group.versions.map((one) => [one.version, one.effectiveFromMs, one.model]);
    expect(shown).toEqual([
      [1, tomorrow, "pool"],
      [2, tomorrow + dayMs, "pool"],
      [3, tomorrow + 2 * dayMs, "rates"],
    ]);
    expect(presentArticleGroup(group, noon + 2 * dayMs)).toEqual({
      groupId: "serials",
      ...pool(6),
      versions: [
        { version: 1, effectiveFrom: "2028-03-01T00:00:00.000Z", ...pool(5) },
        { version: 2, effectiveFrom: "2028-03-02T00:00:00.000Z", ...pool(6) },
        { version: 3, effectiveFrom: "2028-03-03T00:00:00.000Z", ...rates },
      ],
    });
  });

  test("one that has not begun is replaced, and leaves its number behind", async () => {
    const { put, wait } = registry();
    await put(pool(5));
    wait(dayMs);
    await put(pool(6));
    const { versions } = await put(pool(7));
    expect(versions.map(({ version }) => version)).toEqual([1, 3]);
    const effectiveFromMs = tomorrow + dayMs;
    expect(versions.at(-1)).toMatchObject({ dailyMicros: 7n, effectiveFromMs });
  });

  test("S6: in a day's last minutes someone may count by the next one's terms: they stay", async () => {
    const { put, wait } = registry();
    await put(pool(5));
    wait(dayMs / 2 - 10 * 60_000);
    const { versions } = await put(rates);
    expect(versions.map((one) => [one.model, one.effectiveFromMs])).toEqual([
      ["pool", tomorrow],
      ["rates", tomorrow + dayMs],
    ]);
  });

  test("the same again changes nothing, so a request may be repeated", async () => {
    const { put } = registry();
    await put(rates);
    const group = await put(pool(5));
    expect(await put(pool(5))).toEqual(group);
  });

  test("groups that come to be at once get numbers of their own", async () => {
    const { put, groups } = registry();
    const ids = ["a", "b", "c", "d", "e"].map((id) => articleGroupIdSchema.parse(id));
    await Promise.all(ids.map((id) => put(pool(5), id)));
    const numbers = (await groups.list()).map(({ number }) => number);
    expect(numbers.sort()).toEqual([1, 2, 3, 4, 5]);
  });

  test("there are so many groups at most; those there are may change", async () => {
    const { put } = registry();
    for (let group = 0; group < limits.maxArticleGroups; group += 1) {
      await put(rates, articleGroupIdSchema.parse(`g${group}`));
    }
    const refused = { status: 409, code: "too-many-article-groups" };
    await expect(put(rates)).rejects.toMatchObject(refused);
    const changed = await put(pool(5), articleGroupIdSchema.parse("g7"));
    expect(changed).toMatchObject({ number: 8, revision: 2 });
  });

  test("a writer who keeps losing is told so", async () => {
    const { groups, clock } = registry();
    const losing = { clock, groups: { ...groups, put: async () => "raced" as const } };
    const lost = putArticleGroup(losing, serials, rates);
    await expect(lost).rejects.toMatchObject({ status: 409, code: "contended" });
  });

  test("a group has so many versions at most", () => {
    const versions = Array.from({ length: 1_000 }, (_, at) => ({
      ...{ ...rates, version: at + 1, effectiveFromMs: today - (1_000 - at) * dayMs },
    }));
    const group: ArticleGroup = { groupId: serials, number: 1, versions, revision: 1_000 };
    const terms = { model: "pool" as const, dailyMicros: 1n, readerCap: 1n };
    expect(() => changedGroup(group, terms, noon)).toThrow(/1000 versions/);
  });
});

test("whatever is put and when, a day that has begun keeps its terms", () => {
  const puts = fc.array(
    fc.record({ waitMs: fc.nat(2 * dayMs), daily: fc.integer({ min: 0, max: 3 }) }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(
    fc.property(puts, (changes) => {
      let nowMs = noon;
      let group: ArticleGroup = {
        ...{ groupId: serials, number: 1, revision: 1 },
        versions: [{ ...rates, version: 1, effectiveFromMs: today }],
      };
      for (const { waitMs, daily } of changes) {
        nowMs += waitMs;
        const terms =
          daily === 0
            ? rates
            : { model: "pool" as const, dailyMicros: BigInt(daily), readerCap: 1n };
        const next = changedGroup(group, terms, nowMs);
        const endOfDay = Math.floor(nowMs / dayMs) * dayMs + dayMs - 1;
        expect(groupTermsInForce(next, endOfDay)).toEqual(groupTermsInForce(group, endOfDay));
        expect(groupTermsInForce(next, endOfDay + 1 + dayMs)).toMatchObject(terms);
        const numbers = next.versions.map(({ version }) => version);
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
        group = next;
      }
    }),
  );
});
