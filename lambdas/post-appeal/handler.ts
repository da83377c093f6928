import { dynamoDbAppeals } from "../../adapters/dynamodb/appeal-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { apiHandler, located } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { postAppealSchema } from "../../core/contracts/money-bodies.ts";
import { audienceOf, requireSight, signatureOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";
import { postAppeal, presentAppeal } from "../../core/reviews/appeal.ts";

const deps = {
  appeals: dynamoDbAppeals(documentClient, setting("registryTable")),
  clock: systemClock,
};

const post = idempotently(async ({ event }, body) => {
  const creatorId = pathParameter(event, "creatorId", creatorIdSchema);
  const caller = callerOf(event);
  requireSight(caller, creatorId);
  const appeal = await postAppeal(deps, creatorId, validate(postAppealSchema, body), {
    postedBy: signatureOf(caller),
    requestId: requestIdOf(event),
  });
  // It stands at the top of the list, which is where it is read.
  const location = `/v1/creators/${encodeURIComponent(creatorId)}/appeals`;
  return located(201, location, presentAppeal(appeal, audienceOf(caller)));
});

export const handler = apiHandler((call) => post(call, jsonBody(call.event)));
