import type { OutgoingEvent } from "./event-publisher.ts";

/** The bus, later: to the minute, at least once. */
export interface EventDeferral {
  /**
   * Puts an event on the bus at a time, ms since the epoch; resolves when that is durable.
   * @param name the same for each try of the same: what was deferred under it already stays as it is.
   */
  publishAt(event: OutgoingEvent, atMs: number, name: string): Promise<void>;
}
