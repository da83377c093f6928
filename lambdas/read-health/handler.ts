import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { limitedHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { setting } from "../../adapters/lambda/environment.ts";

const rateCards = dynamoDbRateCards(documentClient, setting("registryTable"));

/** Ready when a read from the registry is answered, which every other request needs too. */
export const handler = limitedHandler({ limitedBy: "nothing" }, async () => {
  await rateCards.list();
  return ok({ status: "ok" });
});
