import type { ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import type { EngagementKind } from "../../core/contracts/kinds.ts";
import { putArticle } from "../../core/registry/article.ts";
import { comeToRest, presentEverythingAgain } from "./quiescence.ts";
import { World, type WorldOptions } from "./world.ts";

/** Parts of small stories that tests tell by hand, on a world where only named faults happen. */
export const creatorId = "c1" as CreatorId;
export const noon = Date.parse("2028-02-29T12:00:00Z");
export const dayMs = 86_400_000;

/** @param options without `rates` nothing goes wrong by chance. */
export async function aWorld(options: Partial<WorldOptions> = {}): Promise<World> {
  const told = { seed: "story", startMs: noon, rates: {}, looksAfterOthers: false };
  const world = new World({ ...told, ...options });
  for (const articleId of ["/a", "/b"] as ArticleId[]) {
    await happening(world, () =>
      world.insist((parts) => putArticle(parts, articleId, { title: articleId, creatorId })),
    );
  }
  return world;
}

/** Lets something happen, and all that follows from it. */
export async function happening<Value>(world: World, what: () => Promise<Value>): Promise<Value> {
  const outcome = what();
  await world.clock.runUntilIdle();
  return await outcome;
}

export function engagement(readerId: string, kind: EngagementKind = "view", articleId = "/a") {
  const referrer = kind === "search_visit" ? { referrer: "https://www.google.com/" } : {};
  return { articleId, readerId, kind, ...referrer };
}

export function views(count: number, articleId = "/a") {
  return Array.from({ length: count }, (_, reader) => engagement(`r${reader}`, "view", articleId));
}

/** Comes to rest, presents everything once more, and says what must not be. */
export async function atRest(world: World, poison: ReadonlySet<string> = new Set()) {
  await comeToRest(world, poison);
  if (world.oracle.violations.length === 0) await presentEverythingAgain(world, poison);
  return world.oracle.violations;
}

export function earned(world: World): bigint {
  return world.oracle.earnedBy(world.tables, creatorId);
}
