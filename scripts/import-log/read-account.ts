import { z } from "zod";
import { type Api, ApiFailure, describe } from "./api-client.ts";

export interface ArticleEarnings {
  readonly articleId: string;
  readonly views: number;
  readonly searchVisits: number;
  readonly micros: bigint;
}

const integer = z
  .string()
  .regex(/^-?\d+$/)
  .transform(BigInt);

const earningsShape = z.object({
  items: z.array(
    z.object({
      articleId: z.string(),
      views: z.number(),
      searchVisits: z.number(),
      micros: integer,
    }),
  ),
  nextCursor: z.string().optional(),
});

const proofShape = z.object({
  ok: z.boolean(),
  quiet: z.boolean(),
  counted: z.object({ engagements: integer, micros: integer }),
  rejected: z.object({ engagements: integer }),
  counters: z.object({ pendingMicros: integer }),
  ledger: z.object({ entries: z.number(), micros: integer }),
  differences: z.array(z.record(z.string(), z.unknown())),
});
export type Proof = z.infer<typeof proofShape>;

/** The proof, or undefined when the token may not ask for it. */
export async function readProof(api: Api): Promise<Proof | undefined> {
  try {
    const answer = await api({ as: "admin", method: "GET", path: "/v1/admin/proof" });
    const proof = proofShape.safeParse(answer.body);
    if (answer.status === 200 && proof.success) return proof.data;
    throw new ApiFailure(
      `GET /v1/admin/proof: unexpected answer ${describe(answer)}`,
      answer.status,
    );
  } catch (error) {
    if (error instanceof ApiFailure && (error.status === 401 || error.status === 403))
      return undefined;
    throw error;
  }
}

/** All articles of a creator that earned. */
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
