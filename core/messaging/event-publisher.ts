import type * as z from "zod";
import type { EventContract } from "../contracts/events.ts";

export interface OutgoingEvent<Detail extends z.ZodType = z.ZodType> {
  readonly contract: EventContract<Detail>;
  readonly detail: z.infer<Detail>;
}

/** The bus. Resolves only when every event is on it (202 means durable). */
export interface EventPublisher {
  /** @throws Problem 413 when an event is over the bus's limit; 503 when the bus cannot take it. */
  publish(events: readonly OutgoingEvent[]): Promise<void>;
}
