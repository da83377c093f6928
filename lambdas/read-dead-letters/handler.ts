import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbLetterActions } from "../../adapters/dynamodb/letter-actions.ts";
import { dynamoDbLetters } from "../../adapters/dynamodb/letter-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
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

const deadLettersTable = setting("deadLettersTable");
const letters = dynamoDbLetters(documentClient, deadLettersTable, systemClock);
const actions = dynamoDbLetterActions(documentClient, deadLettersTable);

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
