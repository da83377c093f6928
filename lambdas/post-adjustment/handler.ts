import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbLedgerStore } from "../../adapters/dynamodb/ledger-store.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { postAdjustmentSchema } from "../../core/contracts/money-bodies.ts";
import { postAdjustment } from "../../core/ledger/adjust.ts";
import { presentEntry } from "../../core/ledger/present-entry.ts";
import { audienceOf, signatureOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";

const deps = {
  ledger: dynamoDbLedgerStore(documentClient, setting("ledgerTable")),
  clock: systemClock,
  pacing: systemPacing,
  currency: setting("currency"),
};

const post = idempotently(async ({ event, trace }, body) => {
  const caller = callerOf(event);
  const entry = await postAdjustment(deps, validate(postAdjustmentSchema, body), {
    bookedBy: signatureOf(caller),
    requestId: `adjustment:${requestIdOf(event)}`,
    traceId: trace.traceId,
  });
  const presented = presentEntry(entry, audienceOf(caller));
  const location = `/v1/ledger/entries/${encodeURIComponent(presented.entryId)}`;
  return located(201, location, presented);
});

export const handler = apiHandler((call) => post(call, jsonBody(call.event)));
