import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { setting } from "../../adapters/lambda/environment.ts";

const rateCards = dynamoDbRateCards(documentClient, setting("registryTable"));

/** Ready when a read from the registry is answered, which every other request needs too. */
export const handler = apiHandler(async () => {
  await rateCards.list();
  return ok({ status: "ok" });
});
