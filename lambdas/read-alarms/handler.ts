import { cloudWatchAlarms } from "../../adapters/cloudwatch/alarm-list.ts";
import { cloudWatchClient } from "../../adapters/cloudwatch/client.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { alarmsQuerySchema } from "../../core/contracts/queries.ts";
import { readAlarms } from "../../core/monitoring/read-alarms.ts";

const deps = { alarms: cloudWatchAlarms(cloudWatchClient, setting("alarmPrefix")) };

export const handler = apiHandler(async ({ event }) =>
  ok(await readAlarms(deps, query(event, alarmsQuerySchema))),
);
