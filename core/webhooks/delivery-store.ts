import type { WebhookDelivery } from "./delivery.ts";

/** Part of an endpoint's deliveries, by their places in time; both ends excluded. */
export interface DeliveryRange {
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly newestFirst: boolean;
  readonly limit: number;
}

/** Deliveries; strongly consistent. One that expired does not exist. */
export interface WebhookDeliveries {
  /** Keeps it with what it says. `known`: there is one with this id, and nothing was changed. */
  add(delivery: WebhookDelivery, body: string): Promise<"added" | "known">;
  read(owner: string, deliveryId: string): Promise<WebhookDelivery | undefined>;
  bodyOf(delivery: WebhookDelivery): Promise<string | undefined>;
  /** Writes the next version, if the version before is what is stored. */
  replace(delivery: WebhookDelivery): Promise<"replaced" | "raced">;
  list(
    owner: string,
    endpointId: string,
    range: DeliveryRange,
  ): Promise<readonly WebhookDelivery[]>;
  /** Of those that wait for each other, the one whose turn it is: its id. */
  firstInLine(delivery: WebhookDelivery): Promise<string | undefined>;
}
