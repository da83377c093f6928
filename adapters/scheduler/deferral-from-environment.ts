import { SchedulerClient } from "@aws-sdk/client-scheduler";
import type { EventDeferral } from "../../core/messaging/event-deferral.ts";
import { setting } from "../lambda/environment.ts";
import { traces } from "../lambda/traces.ts";
import { systemClock } from "../runtime.ts";
import { schedulerDeferral } from "./event-deferral.ts";

/** The schedules that the stack lets this function make. */
export function deferralFromEnvironment(): EventDeferral {
  const client = new SchedulerClient({
    maxAttempts: 3,
    requestHandler: {
      ...{ connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
    },
  });
  const deferral = schedulerDeferral({
    client,
    clock: systemClock,
    group: setting("deferralGroup"),
    busArn: setting("eventBusArn"),
    roleArn: setting("deferralRoleArn"),
    deadLettersArn: setting("deferralDeadLettersArn"),
  });
  return {
    async publishAt(event, atMs, name) {
      const following = traces.following(event);
      await deferral.publishAt(following, atMs, name);
      traces.put([following], atMs);
    },
  };
}
