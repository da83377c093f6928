import type { EventPublisher } from "../../core/messaging/event-publisher.ts";
import { setting } from "../lambda/environment.ts";
import { logger } from "../lambda/logger.ts";
import { systemPacing } from "../runtime.ts";
import { eventBridgeClient, eventBridgePublisher } from "./event-publisher.ts";

/** The bus that the stack named; what had to be sent again is logged. */
export function busFromEnvironment(): EventPublisher {
  return eventBridgePublisher({
    client: eventBridgeClient,
    busName: setting("eventBusName"),
    pacing: systemPacing,
    onRetry: (entries, reason) => logger.warn("bus took not all entries", { entries, reason }),
  });
}
