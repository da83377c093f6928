import type { EventPublisher } from "../../core/messaging/event-publisher.ts";
import { isInSample } from "../../core/tracing/keep-trace.ts";
import { numberSetting, setting } from "../lambda/environment.ts";
import { logger } from "../lambda/logger.ts";
import { traces } from "../lambda/traces.ts";
import { systemPacing } from "../runtime.ts";
import { eventBridgeClient, eventBridgePublisher } from "./event-publisher.ts";

/** The bus that the stack named; what had to be sent again is logged, what is on it traced. */
export function busFromEnvironment(): EventPublisher {
  const perMillion = numberSetting("xRayPerMillion");
  const publisher = eventBridgePublisher({
    client: eventBridgeClient,
    busName: setting("eventBusName"),
    pacing: systemPacing,
    onRetry: (entries, reason) => logger.warn("bus took not all entries", { entries, reason }),
    isXRayed: (traceId) => isInSample(traceId, perMillion),
  });
  return {
    async publish(events) {
      const following = events.map(traces.following);
      await publisher.publish(following);
      traces.put(following);
    },
  };
}
