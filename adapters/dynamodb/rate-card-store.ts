import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { RateCard, RateCardStore } from "../../core/registry/rate-card.ts";
import { type Item, queryItems } from "./items.ts";

const partition = "rate-cards";

const versionKey = (version: number) => `version#${String(version).padStart(8, "0")}`;

/** Rate cards in the registry table, one item a version, all under one key. */
export function dynamoDbRateCards(
  client: DynamoDBDocumentClient,
  registryTable: string,
): RateCardStore {
  return {
    async list() {
      const cards: RateCard[] = [];
      const items = queryItems(client, {
        TableName: registryTable,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": partition },
        ConsistentRead: true,
      });
      for await (const item of items) cards.push(cardFromItem(item));
      return cards;
    },
    async publish(card) {
      const item: Item = {
        pk: partition,
        sk: versionKey(card.version),
        currency: card.currency,
        prices: card.prices,
        requestId: card.requestId,
        version: BigInt(card.version),
        effectiveFromMs: BigInt(card.effectiveFromMs),
      };
      try {
        await client.send(
          new PutCommand({
            TableName: registryTable,
            Item: item,
            ConditionExpression: "attribute_not_exists(pk)",
          }),
        );
        return "published";
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return "taken";
        throw error;
      }
    },
  };
}

function cardFromItem(item: Item): RateCard {
  return {
    version: Number(item.version),
    currency: String(item.currency),
    effectiveFromMs: Number(item.effectiveFromMs),
    prices: item.prices as RateCard["prices"],
    requestId: String(item.requestId),
  };
}
