import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbLedgerStore } from "../../adapters/dynamodb/ledger-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently } from "../../adapters/lambda/idempotency.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { patchCreatorSchema, putCreatorSchema } from "../../core/contracts/registry-bodies.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { patchCreator, presentCreator, putCreator } from "../../core/registry/creator.ts";

const deps = {
  creators: dynamoDbCreators(documentClient, setting("registryTable")),
  payouts: dynamoDbLedgerStore(documentClient, setting("ledgerTable")),
  clock: systemClock,
};

const put = idempotently(async ({ event }, body) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  const creator = event.routeKey.startsWith("PATCH ")
    ? await patchCreator(deps, creatorId, validate(patchCreatorSchema, body))
    : await putCreator(deps, creatorId, validate(putCreatorSchema, body));
  return ok(presentCreator(creator));
});

export const handler = apiHandler((call) => put(call, jsonBody(call.event)));
