import {
  letterActionsFromEnvironment,
  lettersFromEnvironment,
} from "../../adapters/dynamodb/letters-from-environment.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { pathParameter, query } from "../../adapters/lambda/api-request.ts";
import {
  deadLettersQuerySchema,
  letterGroupsQuerySchema,
  letterIdSchema,
} from "../../core/contracts/dead-letter-bodies.ts";
import { pageQuerySchema } from "../../core/contracts/queries.ts";
import {
  groupLetters,
  listLetters,
  readAudit,
  readLetter,
  readRedrive,
} from "../../core/dead-letters/read-letters.ts";

const letters = lettersFromEnvironment();
const actions = letterActionsFromEnvironment();

export const handler = apiHandler(async ({ event }) => {
  const { letterId, redriveId } = event.pathParameters ?? {};
  if (redriveId !== undefined) return ok(await readRedrive({ letters, actions }, redriveId));
  if (letterId !== undefined) {
    return ok(await readLetter(letters, pathParameter(event, "letterId", letterIdSchema)));
  }
  if (event.routeKey.endsWith("/audit")) {
    return ok(await readAudit(actions, query(event, pageQuerySchema)));
  }
  if (event.routeKey.endsWith("/groups")) {
    return ok(await groupLetters(letters, query(event, letterGroupsQuerySchema)));
  }
  const { cause: causeId, ...rest } = query(event, deadLettersQuerySchema);
  return ok(await listLetters(letters, { ...rest, causeId }));
});
