import { payoutsDue } from "../contracts/events.ts";
import type { CreatorId } from "../contracts/ids.ts";
import type { Delivery } from "../messaging/delivery.ts";
import { readEvent } from "../messaging/read-event.ts";
import { chunk } from "../values/group-by.ts";
import type { TraceLink } from "../values/trace-context.ts";
import { type PayoutDeps, reservePayout } from "./request-payout.ts";

interface Deps extends PayoutDeps {
  readonly onFailed: (deliveryId: string, error: unknown) => void;
}

interface Paid {
  reserved: number;
  /** Below the minimum, or negative: carried to the next run. */
  carried: number;
}

/** How many creators of a message are paid side by side. */
const creatorsAtOnce = 8;

/**
 * Pays each creator named all that is payable, up to the limit of one payout, once for each run.
 * @param deadlineMs when to stop and return the rest to the queue.
 * @returns `failedIds`: messages to return, of which some creators may already be paid.
 */
export async function payCreators(
  deps: Deps,
  deliveries: readonly Delivery[],
  deadlineMs: number,
  trace: TraceLink,
): Promise<Readonly<Paid> & { readonly failedIds: readonly string[] }> {
  const paid: Paid = { reserved: 0, carried: 0 };
  const failedIds: string[] = [];
  for (const { id, body, trace: own = trace } of deliveries) {
    try {
      await payDelivery(deps, paid, body, deadlineMs, own);
    } catch (error) {
      deps.onFailed(id, error);
      failedIds.push(id);
    }
  }
  return { ...paid, failedIds };
}

/** One creator who cannot be paid must not keep the others of the message from it. */
async function payDelivery(
  deps: Deps,
  paid: Paid,
  body: string,
  deadlineMs: number,
  trace: TraceLink,
): Promise<void> {
  const { run, creatorIds } = readEvent(payoutsDue, body);
  const failures: unknown[] = [];
  for (const group of chunk(creatorIds, creatorsAtOnce)) {
    if (deps.clock.nowMs() >= deadlineMs) throw new Error("time is up; the rest is paid next time");
    const results = await Promise.allSettled(
      group.map((creatorId) => payCreator(deps, run, creatorId, trace)),
    );
    for (const result of results) {
      if (result.status === "rejected") failures.push(result.reason);
      else paid[result.value] += 1;
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function payCreator(
  deps: Deps,
  run: string,
  creatorId: CreatorId,
  trace: TraceLink,
): Promise<keyof Paid> {
  const by = `run:${run}`;
  const request = { creatorId, requestId: by, requestedBy: by };
  const { outcome } = await reservePayout(deps, request, trace);
  return outcome === "reserved" ? "reserved" : "carried";
}
