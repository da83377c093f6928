import { settlementDue } from "../contracts/events.ts";
import type { CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { dueBuckets } from "../contracts/storage.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { chunk } from "../values/group-by.ts";
import type { SettlementTable } from "./settlement-table.ts";

interface Deps {
  readonly table: Pick<SettlementTable, "creatorsDue">;
  readonly bus: EventPublisher;
}

/**
 * Finds the creators with something to settle and fans them out to `settle-creator` through the
 * bus. Running it twice, or beside itself, only names a creator twice, which settles nothing twice.
 * @returns how many creators were named.
 */
export async function settleEarnings(deps: Deps, traceparent: string): Promise<number> {
  const buckets = Array.from({ length: dueBuckets }, (_, bucket) => bucket);
  const named = await Promise.all(
    buckets.map(async (bucket) => {
      let count = 0;
      let last: CreatorId | undefined;
      for await (const page of deps.table.creatorsDue(bucket)) {
        // The list is sorted by creator, one row a counter: neighbours are the only repeats.
        const creators = page.filter((id, index) => id !== (index === 0 ? last : page[index - 1]));
        last = page.at(-1);
        await announce(deps.bus, creators, traceparent);
        count += creators.length;
      }
      return count;
    }),
  );
  return named.reduce((total, count) => total + count, 0);
}

async function announce(
  bus: EventPublisher,
  creators: readonly CreatorId[],
  traceparent: string,
): Promise<void> {
  const events = chunk(creators, limits.maxCreatorsPerSettlementEvent).map((creatorIds) => ({
    contract: settlementDue,
    detail: { schemaVersion: 1, traceparent, creatorIds },
  }));
  await bus.publish(events);
}
