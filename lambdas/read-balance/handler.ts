import { balancesFromEnvironment } from "../../adapters/dynamodb/balances-from-environment.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, pathParameter } from "../../adapters/lambda/api-request.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { requireSight } from "../../core/perimeter/caller.ts";

const readBalance = balancesFromEnvironment();

export const handler = apiHandler(async ({ event }) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  requireSight(callerOf(event), creatorId);
  return ok(await readBalance(creatorId));
});
