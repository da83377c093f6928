import type { Breaker } from "../../core/pacing/breaker.ts";
import { type CircuitBreakers, circuitBreakers } from "../../core/pacing/circuit-breakers.ts";
import { type Holders, type Leases, leases } from "../../core/pacing/leases.ts";
import type { RateLimiter } from "../../core/pacing/rate-limiter.ts";
import type { PressureStore } from "../../core/pacing/watch-backlogs.ts";
import { setting } from "../lambda/environment.ts";
import { systemClock, systemPacing } from "../runtime.ts";
import { documentClient } from "./client.ts";
import { dynamoDbPressure } from "./pressure-store.ts";
import { dynamoDbRateLimiter } from "./rate-limiter.ts";
import { dynamoDbStates } from "./state-store.ts";

const table = () => ({
  client: documentClient,
  pacingTable: setting("pacingTable"),
  clock: systemClock,
});
const machine = { clock: systemClock, pacing: systemPacing };

/** Needs UpdateItem on the pacing table. */
export function rateLimiterFromEnvironment(): RateLimiter {
  return dynamoDbRateLimiter(table());
}

/** Needs GetItem and PutItem; to read them, GetItem. */
export function breakersFromEnvironment(): CircuitBreakers {
  return circuitBreakers({ store: dynamoDbStates<Breaker>(table(), "breaker"), ...machine });
}

/** Needs GetItem and PutItem. */
export function leasesFromEnvironment(): Leases {
  return leases({ store: dynamoDbStates<Holders>(table(), "lease"), ...machine });
}

/** Needs GetItem and PutItem; to read it, GetItem. @param readWithinMs default: as long as it takes. */
export function pressureFromEnvironment(readWithinMs?: number): PressureStore {
  return dynamoDbPressure({ ...table(), readWithinMs });
}
