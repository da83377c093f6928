import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbInboxes } from "../../adapters/dynamodb/inbox-items.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { pathParameter, query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { readerIdSchema } from "../../core/contracts/ids.ts";
import { pageQuerySchema } from "../../core/contracts/queries.ts";
import { readInbox } from "../../core/notifications/read-inbox.ts";

const inboxes = dynamoDbInboxes(documentClient, setting("followersTable"), systemClock);

export const handler = apiHandler(async ({ event }) => {
  const readerId = pathParameter(event, "readerId", readerIdSchema);
  return ok(await readInbox(inboxes, readerId, query(event, pageQuerySchema)));
});
