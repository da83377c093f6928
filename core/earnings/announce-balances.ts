import { balanceChanged } from "../contracts/events.ts";
import type { CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { chunk } from "../values/group-by.ts";

interface Deps {
  readonly bus: EventPublisher;
  readonly onFailed: (error: unknown) => void;
}

/**
 * Has those told who watch these creators' balances. A hint: the money has moved, so that a bus that
 * does not take it must neither fail nor repeat what moved it.
 */
export async function announceBalances(
  { bus, onFailed }: Deps,
  creatorIds: ReadonlySet<CreatorId>,
  traceparent: string,
): Promise<void> {
  const events = chunk([...creatorIds], limits.maxCreatorsPerSettlementEvent).map((some) => ({
    contract: balanceChanged,
    detail: { schemaVersion: 1, traceparent, creatorIds: some },
  }));
  try {
    await bus.publish(events);
  } catch (error) {
    onFailed(error);
  }
}
