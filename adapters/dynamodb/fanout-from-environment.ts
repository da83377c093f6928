import { busFromEnvironment } from "../eventbridge/bus-from-environment.ts";
import { setting } from "../lambda/environment.ts";
import { systemClock, systemPacing } from "../runtime.ts";
import { documentClient } from "./client.ts";
import { dynamoDbFanouts } from "./fanout-store.ts";
import { dynamoDbFollowers } from "./follower-store.ts";
import { jobChangesFromEnvironment } from "./jobs-from-environment.ts";
import { dynamoDbTold } from "./told-store.ts";

/** What all workers of a fan-out share. */
export function fanoutFromEnvironment() {
  const followersTable = setting("followersTable");
  const common = { client: documentClient, followersTable, pacing: systemPacing };
  return {
    fanouts: dynamoDbFanouts(common),
    followers: dynamoDbFollowers(documentClient, followersTable),
    told: dynamoDbTold({ ...common, clock: systemClock }),
    jobs: jobChangesFromEnvironment(),
    bus: busFromEnvironment(),
    clock: systemClock,
    pacing: systemPacing,
    random: systemPacing.random,
  };
}
