import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { RateCard, RateCardStore } from "../../core/registry/rate-card.ts";
import { type Item, queryItems } from "./items.ts";
import { rateCardAttributes, rateCardFromAttributes } from "./rate-card-items.ts";

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
      for await (const item of items) cards.push(rateCardFromAttributes(item));
      return cards;
    },
    async publish(card) {
      const item: Item = {
        pk: partition,
        sk: versionKey(card.version),
        ...rateCardAttributes(card),
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
