import { mailReported } from "../contracts/events.ts";
import type { Delivery, FailedDelivery } from "../messaging/delivery.ts";
import { eachDelivery } from "../messaging/each-delivery.ts";
import { readEvent } from "../messaging/read-event.ts";
import type { Clock } from "../values/time.ts";
import type { FollowerStore } from "./follower-store.ts";
import { stopChannel } from "./put-follower.ts";
import type { MailReports } from "./told-store.ts";

interface Deps {
  readonly reports: MailReports;
  readonly followers: Pick<FollowerStore, "read" | "replace">;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told of each message that goes back to the queue, and why. */
  readonly onFailed: (deliveryId: string, error: unknown) => void;
}

/**
 * Records what SES says of e-mails: one whose worker died before it could mark it was sent after all,
 * and whoever's address is dead, or who complained, gets no more of them.
 * @returns messages to return.
 */
export async function recordMailReports(
  deps: Deps,
  deliveries: readonly Delivery[],
): Promise<readonly FailedDelivery[]> {
  return await eachDelivery(deps, deliveries, async ({ body }) => {
    await record(deps, body);
    return undefined;
  });
}

async function record(deps: Deps, body: string): Promise<void> {
  const { what, mailTag } = readEvent(mailReported, body);
  const told = await deps.reports.sent(mailTag);
  if (what === "Send" || told === undefined) return;
  const { atMs, ...ids } = told;
  const reason = what === "Bounce" ? "bounced" : "complained";
  // Who agreed anew since did so with another address, or knows what they do.
  await stopChannel(deps, ids, "email", reason, ({ email }) => (email?.consentedAtMs ?? 0) <= atMs);
}
