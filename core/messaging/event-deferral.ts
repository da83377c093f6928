import type { OutgoingEvent } from "./event-publisher.ts";

/** The bus, later. */
export interface EventDeferral {
  /**
   * Has an event put on the bus at that time, ms since the epoch, to the minute and never before it.
   * Resolves when that is durable.
   * @param name doing it again under the same name, before it came, changes nothing.
   */
  publishAt(event: OutgoingEvent, atMs: number, name: string): Promise<void>;
}
