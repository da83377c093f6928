import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbPayouts } from "../../adapters/dynamodb/payout-store.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { requestPayoutSchema } from "../../core/contracts/money-bodies.ts";
import { presentPayout } from "../../core/payouts/payout.ts";
import { type PayoutDeps, requestPayout } from "../../core/payouts/request-payout.ts";
import { audienceOf, signatureOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { micros } from "../../core/values/micros.ts";

const deps: PayoutDeps = {
  payouts: dynamoDbPayouts(documentClient, setting("ledgerTable")),
  bus: busFromEnvironment(),
  clock: systemClock,
  pacing: systemPacing,
  currency: setting("currency"),
  minMicros: micros(BigInt(setting("payoutMinMicros"))),
  onUnannounced: (payoutId, error) => logger.warn("not announced yet", { payoutId, error }),
};

const request = idempotently(async ({ event, trace }, body) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  const { amountMicros } = validate(requestPayoutSchema, body);
  const requestId = `payout:${requestIdOf(event)}`;
  const caller = callerOf(event);
  const requestedBy = signatureOf(caller);
  const asked = { creatorId, amountMicros, requestId, requestedBy };
  const payout = presentPayout(await requestPayout(deps, asked, trace), audienceOf(caller));
  // Its entry explains it; there is no more to a payout than that.
  const location = `/v1/ledger/entries/${encodeURIComponent(payout.payoutId)}`;
  return located(202, location, payout);
});

export const handler = apiHandler((call) => request(call, jsonBody(call.event)));
