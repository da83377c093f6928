import { fanoutFromEnvironment } from "../../adapters/dynamodb/fanout-from-environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { workerHandler } from "../../adapters/lambda/worker.ts";
import { deferralFromEnvironment } from "../../adapters/scheduler/deferral-from-environment.ts";
import { fanOutChunks } from "../../core/notifications/fan-out-chunk.ts";

const deps = {
  ...fanoutFromEnvironment(),
  deferral: deferralFromEnvironment(),
  onFailed: (id: string, error: unknown) => logger.error("not fanned out", { id, error }),
};

export const handler = workerHandler(({ deliveries }) => fanOutChunks(deps, deliveries));
