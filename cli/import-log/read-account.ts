import { z } from "zod";
import { type Api, ApiFailure, describe } from "../api/api-client.ts";
import { integer } from "../api/ask.ts";

/** What a creator has from an article: engagements by what became of them, and money. */
export interface ArticleEarnings {
  readonly articleId: string;
  /** Paid or held. */
  readonly views: number;
  readonly searchVisits: number;
  /** Of whatever kind: paid or held. */
  readonly earning: number;
  /** Engagements by reason. Those that are held are among the ones above, the void ones are not. */
  readonly held: Counts;
  readonly void: Counts;
  /** Payable, or held; settled or not. */
  readonly paidMicros: bigint;
  readonly heldMicros: bigint;
}

export type Counts = Readonly<Record<string, number>>;

export function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

const counts = z.record(z.string(), z.number());

const earningsShape = z.object({
  items: z.array(
    z
      .object({
        articleId: z.string(),
        views: z.number(),
        reads: z.number(),
        reactions: z.number(),
        comments: z.number(),
        searchVisits: z.number(),
        held: counts,
        void: counts,
        paidMicros: integer,
        heldMicros: integer,
      })
      .transform(({ reads, reactions, comments, ...item }) => ({
        ...item,
        earning: item.views + reads + reactions + comments + item.searchVisits,
      })),
  ),
  nextCursor: z.string().optional(),
});

/** All articles of a creator that anything was counted for. */
export async function readEarnings(api: Api, creatorId: string): Promise<ArticleEarnings[]> {
  const items: ArticleEarnings[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({
      limit: "200",
      ...(cursor === undefined ? {} : { cursor }),
    });
    const path = `/v1/creators/${encodeURIComponent(creatorId)}/earnings?${query}`;
    const answer = await api({ as: "publisher", method: "GET", path });
    const page = earningsShape.safeParse(answer.body);
    if (answer.status !== 200 || !page.success) {
      throw new ApiFailure(
        `earnings of ${JSON.stringify(creatorId)}: unexpected answer ${describe(answer)}`,
        answer.status,
      );
    }
    items.push(...page.data.items);
    cursor = page.data.nextCursor;
  } while (cursor !== undefined);
  return items;
}
