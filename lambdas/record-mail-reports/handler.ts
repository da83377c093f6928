import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbFollowers } from "../../adapters/dynamodb/follower-store.ts";
import { dynamoDbMailReports } from "../../adapters/dynamodb/told-store.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { failing } from "../../adapters/lambda/failures.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { recordMailReports } from "../../core/notifications/record-mail-reports.ts";

const followersTable = setting("followersTable");
const deps = {
  reports: dynamoDbMailReports(documentClient, followersTable),
  followers: dynamoDbFollowers(documentClient, followersTable),
  clock: systemClock,
  random: Math.random,
  onFailed: failing("not recorded"),
};

export const handler = workerHandler(({ deliveries }) => recordMailReports(deps, deliveries));
