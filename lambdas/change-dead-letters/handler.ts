import {
  letterActionsFromEnvironment,
  lettersFromEnvironment,
} from "../../adapters/dynamodb/letters-from-environment.ts";
import { busFromEnvironment } from "../../adapters/eventbridge/bus-from-environment.ts";
import { type ApiCall, apiHandler, located, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf, jsonBody, pathParameter } from "../../adapters/lambda/api-request.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { idempotently, requestIdOf } from "../../adapters/lambda/idempotency.ts";
import { systemClock } from "../../adapters/runtime.ts";
import {
  discardSchema,
  editBodySchema,
  letterIdSchema,
  redriveSchema,
} from "../../core/contracts/dead-letter-bodies.ts";
import {
  type ActionDeps,
  discardLetters,
  editLetter,
  redriveWithinMs,
  requestRedrive,
} from "../../core/dead-letters/change-letters.ts";
import { pathOfRedrive, presentRedrive, readLetter } from "../../core/dead-letters/read-letters.ts";
import { signatureOf } from "../../core/perimeter/caller.ts";
import { validate } from "../../core/perimeter/validate.ts";

const deps: ActionDeps = {
  letters: lettersFromEnvironment(),
  actions: letterActionsFromEnvironment(),
  bus: busFromEnvironment(),
  clock: systemClock,
  sources: JSON.parse(setting("deadLetterSources")),
  engagementsWithinMs: redriveWithinMs(numberSetting("dedupeTtlDays")),
};

const askedIn = ({ event, trace }: ApiCall, note: string) => ({
  ...{ by: signatureOf(callerOf(event)), note },
  ...{ requestId: requestIdOf(event), traceparent: trace.traceparent },
});

const change = idempotently(async (call, body) => {
  const { event } = call;
  if (event.pathParameters?.letterId !== undefined) {
    const letterId = pathParameter(event, "letterId", letterIdSchema);
    const { body: wanted, note } = validate(editBodySchema, body);
    await editLetter(deps, letterId, wanted, askedIn(call, note));
    return ok(await readLetter(deps.letters, letterId));
  }
  if (event.routeKey.endsWith("/discards")) {
    const { note, ...selection } = validate(discardSchema, body);
    return ok(await discardLetters(deps, selection, askedIn(call, note)));
  }
  const { note, ...wanted } = validate(redriveSchema, body);
  const { redrive, more } = await requestRedrive(deps, wanted, askedIn(call, note));
  const answer = { ...presentRedrive(redrive, []), more };
  return located(202, pathOfRedrive(redrive.redriveId), answer);
});

export const handler = apiHandler((call) => change(call, jsonBody(call.event)));
