import type { Item } from "./expressions.ts";

/** States that something was in, each from its moment on. */
type History = { readonly atMs: number; readonly state: Item }[];

const weights = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 100n]));

/** What every publisher starts with, written down once more. */
export const firstCard: Item = {
  version: 0n,
  effectiveFromMs: 0n,
  prices: { view: 1_000n, read: 3_000n, reaction: 500n, comment: 2_000n, search_visit: 1_500n },
  weights: {
    reaction: weights(["like", "love", "clap", "insightful", "save"]),
    comment: weights(["short", "medium", "long"]),
  },
  feeBasisPoints: 0n,
  commentsPerReader: 20n,
};

/** Everything that was ever registered: a worker may have read it at any moment since it began. */
export class RegistryMemory {
  readonly #cards: History = [{ atMs: 0, state: { cards: [firstCard] } }];
  readonly #histories = new Map<string, History>();

  /** @returns how many states the thing has had by now. */
  written(item: Item, atMs: number): number {
    if (item.pk === "rate-cards") {
      const cards = [...(this.latestCards as Item[]), item];
      return this.#cards.push({ atMs, state: { cards } });
    }
    const name = `${item.pk}/${item.sk}`;
    const history = this.#histories.get(name) ?? [];
    this.#histories.set(name, history);
    return history.push({ atMs, state: item });
  }

  get latestCards(): readonly Item[] {
    return (this.#cards.at(-1)?.state.cards ?? []) as readonly Item[];
  }

  /** The publisher's cards as lists, one for each state since then. */
  cardsSince(sinceMs: number): readonly (readonly Item[])[] {
    return since(this.#cards, sinceMs).map((state) => (state?.cards ?? []) as readonly Item[]);
  }

  articlesSince(articleId: string, sinceMs: number): readonly (Item | undefined)[] {
    return since(this.#histories.get(`article#${articleId}/current`), sinceMs);
  }

  creatorsSince(creatorId: string, sinceMs: number): readonly (Item | undefined)[] {
    return since(this.#histories.get(`creator#${creatorId}/current`), sinceMs);
  }

  groupsSince(groupId: string, sinceMs: number): readonly (Item | undefined)[] {
    return since(this.#histories.get(`article-groups/${groupId}`), sinceMs);
  }

  latest(pk: string, sk = "current"): Item | undefined {
    return this.#histories.get(`${pk}/${sk}`)?.at(-1)?.state;
  }
}

/** Undefined stands for the time before it was there. */
function since(history: History | undefined, sinceMs: number): (Item | undefined)[] {
  const states: (Item | undefined)[] = [];
  if (!history || (history[0]?.atMs ?? 0) >= sinceMs) states.push(undefined);
  history?.forEach(({ state }, index) => {
    if ((history[index + 1]?.atMs ?? Number.POSITIVE_INFINITY) >= sinceMs) states.push(state);
  });
  return states;
}

/** The last version that is in force at a moment. */
export function inForce(versions: unknown, atMs: number): Item | undefined {
  const known = (versions ?? []) as readonly Item[];
  return known.filter(({ effectiveFromMs }) => Number(effectiveFromMs) <= atMs).at(-1);
}
