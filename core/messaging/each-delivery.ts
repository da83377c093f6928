import { type Backoff, backoffMs } from "../values/retry.ts";
import type { Delivery, FailedDelivery } from "./delivery.ts";

/** Full jitter below 20, 80 and 320 s. */
const backoff: Backoff = { baseMs: 5_000, capMs: 600_000 };

interface Deps {
  readonly random: () => number;
  /** Told of each message that goes back to the queue, and why. */
  readonly onFailed: (deliveryId: string, error: unknown) => void;
}

/**
 * Works on messages side by side, each for itself. What fails comes back by and by, not before
 * `retryInMs` where the work says so.
 */
export async function eachDelivery(
  { random, onFailed }: Deps,
  deliveries: readonly Delivery[],
  work: (delivery: Delivery) => Promise<{ readonly retryInMs: number } | undefined>,
): Promise<readonly FailedDelivery[]> {
  const failed = await Promise.all(
    deliveries.map(async (delivery): Promise<FailedDelivery | undefined> => {
      const { id, receives = 1 } = delivery;
      const jitterMs = () => backoffMs(2 * receives, backoff, random);
      try {
        const retry = await work(delivery);
        return retry && { id, retryInMs: retry.retryInMs + jitterMs() };
      } catch (error) {
        onFailed(id, error);
        return { id, retryInMs: jitterMs() };
      }
    }),
  );
  return failed.filter((one) => one !== undefined);
}
