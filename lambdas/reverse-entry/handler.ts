import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbLedgerStore } from "../../adapters/dynamodb/ledger-store.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { reverseEntrySchema } from "../../core/contracts/money-bodies.ts";
import { presentEntry } from "../../core/ledger/present-entry.ts";
import { reverseEntry } from "../../core/ledger/reverse-entry.ts";
import { audienceOf, signatureOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";

const deps = {
  ledger: dynamoDbLedgerStore(documentClient, setting("ledgerTable")),
  clock: systemClock,
  pacing: systemPacing,
  currency: setting("currency"),
};

const reverse = idempotently(async ({ event, trace }, body) => {
  const caller = callerOf(event);
  const entry = await reverseEntry(deps, validate(reverseEntrySchema, body), {
    bookedBy: signatureOf(caller),
    requestId: `reversal:${requestIdOf(event)}`,
    traceId: trace.traceId,
  });
  const presented = presentEntry(entry, audienceOf(caller));
  const location = `/v1/ledger/entries/${encodeURIComponent(presented.entryId)}`;
  return located(201, location, presented);
});

export const handler = apiHandler((call) => reverse(call, jsonBody(call.event)));
