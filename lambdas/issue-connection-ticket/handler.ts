import { jwsTickets } from "../../adapters/connections/jws-tickets.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { callerOf } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { newId, systemClock } from "../../adapters/runtime.ts";
import { derivedKeys } from "../../adapters/secrets/derived-keys.ts";
import { issueTicket } from "../../core/connections/ticket.ts";

const deps = {
  tickets: jwsTickets(derivedKeys(setting("linkSecretArn")), systemClock),
  clock: systemClock,
  newId,
  url: setting("connectionUrl"),
};

export const handler = apiHandler(async ({ event }) =>
  ok(await issueTicket(deps, callerOf(event))),
);
