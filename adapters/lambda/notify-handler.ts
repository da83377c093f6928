import { tellChunks } from "../../core/notifications/tell-chunk.ts";
import type { Provider } from "../../core/notifications/tell-readers.ts";
import { documentClient } from "../dynamodb/client.ts";
import { fanoutFromEnvironment } from "../dynamodb/fanout-from-environment.ts";
import { dynamoDbRateLimiter } from "../dynamodb/rate-limiter.ts";
import { mailTagOf } from "../dynamodb/told-store.ts";
import { systemClock } from "../runtime.ts";
import { deferralFromEnvironment } from "../scheduler/deferral-from-environment.ts";
import { setting } from "./environment.ts";
import { failing } from "./failures.ts";
import { workerHandler } from "./worker.ts";

/** The worker of a provider's queue. */
export function notifyHandler(provider: Provider) {
  const deps = {
    ...fanoutFromEnvironment(),
    provider,
    limiter: dynamoDbRateLimiter({
      ...{ client: documentClient, pacingTable: setting("pacingTable"), clock: systemClock },
    }),
    deferral: deferralFromEnvironment(),
    tagOf: mailTagOf,
    onFailed: failing("not told"),
  };
  return workerHandler(({ deliveries, deadlineMs }) => tellChunks(deps, deliveries, deadlineMs));
}
