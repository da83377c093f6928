import type { CreatorId } from "../contracts/ids.ts";
import type { Audience } from "../perimeter/caller.ts";
import { nextCursor, type PageQuery, sequenceOfCursor } from "../perimeter/page.ts";
import { type PayoutStore, presentPayout } from "./payout.ts";

/** A page of a creator's payouts, newest first. */
export async function readPayouts(
  store: Pick<PayoutStore, "payouts">,
  creatorId: CreatorId,
  { limit, cursor }: PageQuery,
  audience: Audience,
) {
  const payouts = await store.payouts(creatorId, limit, sequenceOfCursor(cursor));
  return {
    items: payouts.map((payout) => presentPayout(payout, audience)),
    ...nextCursor(payouts, limit, ({ sequence }) => String(sequence)),
  };
}
