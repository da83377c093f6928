import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbPayouts } from "../../adapters/dynamodb/payout-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently } from "../../adapters/lambda/idempotency.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { entryIdSchema } from "../../core/contracts/ids.ts";
import { payoutResultSchema } from "../../core/contracts/money-bodies.ts";
import { presentPayout } from "../../core/payouts/payout.ts";
import { recordPayoutResult } from "../../core/payouts/record-payout-result.ts";
import { audienceOf, signatureOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";

const deps = {
  payouts: dynamoDbPayouts(documentClient, setting("ledgerTable")),
  clock: systemClock,
  pacing: systemPacing,
};

const record = idempotently(async ({ event, trace }, body) => {
  const payoutId = pathParameter(event, "payoutId", entryIdSchema);
  const caller = callerOf(event);
  const by = { bookedBy: signatureOf(caller), traceId: trace.traceId };
  const result = validate(payoutResultSchema, body);
  const payout = await recordPayoutResult(deps, payoutId, result, by);
  return ok(presentPayout(payout, audienceOf(caller)));
});

export const handler = apiHandler((call) => record(call, jsonBody(call.event)));
