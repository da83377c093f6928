import { fanoutFromEnvironment } from "../../adapters/dynamodb/fanout-from-environment.ts";
import { failing } from "../../adapters/lambda/failures.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { deferralFromEnvironment } from "../../adapters/scheduler/deferral-from-environment.ts";
import { fanOutChunks } from "../../core/notifications/fan-out-chunk.ts";

const deps = {
  ...fanoutFromEnvironment(),
  deferral: deferralFromEnvironment(),
  onFailed: failing("not fanned out"),
};

export const handler = workerHandler(({ deliveries }) => fanOutChunks(deps, deliveries));
