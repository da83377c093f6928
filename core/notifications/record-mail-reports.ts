import { mailReported } from "../contracts/events.ts";
import type { Delivery, FailedDelivery } from "../messaging/delivery.ts";
import { eachDelivery } from "../messaging/each-delivery.ts";
import { readEvent } from "../messaging/read-event.ts";
import type { Clock } from "../values/time.ts";
import type { FollowerStore } from "./follower-store.ts";
import { stopChannel } from "./put-follower.ts";
import type { MailReports, TaggedMail } from "./told-store.ts";

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
 * and whoever's address is dead, or who complained, gets no more of them. Nearly always there is
 * nothing to write: marks are read for all messages at once.
 * @returns messages to return.
 */
export async function recordMailReports(
  deps: Deps,
  deliveries: readonly Delivery[],
): Promise<readonly FailedDelivery[]> {
  const mails = await deps.reports.find(deliveries.flatMap(({ body }) => tagIn(body)));
  return await eachDelivery(deps, deliveries, async ({ body }) => {
    const { what, mailTag } = readEvent(mailReported, body);
    const mail = mails.get(mailTag);
    // So long ago that nobody knows any more, or not ours.
    if (mail === undefined) return undefined;
    if (mail.isClaimed) await deps.reports.sent(mailTag);
    if (what !== "Send") await stop(deps, mail, what === "Bounce" ? "bounced" : "complained");
    return undefined;
  });
}

/** What cannot be read fails by itself, later. */
function tagIn(body: string): string[] {
  try {
    return [readEvent(mailReported, body).mailTag];
  } catch {
    return [];
  }
}

async function stop(
  deps: Deps,
  { creatorId, readerId, atMs }: TaggedMail,
  reason: "bounced" | "complained",
): Promise<void> {
  // Who agreed anew since did so with another address, or knows what they do.
  const isSame = (consentedAtMs = 0) => consentedAtMs <= atMs;
  await stopChannel(deps, { creatorId, readerId }, "email", reason, ({ email }) =>
    isSame(email?.consentedAtMs),
  );
}
