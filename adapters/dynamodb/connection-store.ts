import { DeleteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { ConnectionStore } from "../../core/connections/connection-store.ts";
import { limits } from "../../core/contracts/limits.ts";
import type { Topic } from "../../core/contracts/socket-messages.ts";
import { atOnce } from "../../core/values/at-once.ts";
import { seconds } from "./impression-items.ts";
import { type Item, itemsUnder, queryItems } from "./items.ts";
import { failedConditionsOf, putNew } from "./write-transaction.ts";

const deletesAtOnce = 25;
const topicPrefix = "topic#";

const partitionOf = (connectionId: string) => `connection#${connectionId}`;
const keyOfTopic = ({ topic, id }: Topic) => `${topicPrefix}${topic}#${id}`;

function topicOfKey(key: unknown): Topic {
  const [, topic, id] = /^topic#(job|balance)#(.*)$/s.exec(String(key)) ?? [];
  if (topic === undefined || id === undefined) throw new Error(`not a topic's key: ${key}`);
  return { topic: topic as Topic["topic"], id };
}

/** A subscription is written twice: under its topic, to push, and under its connection, to end it. */
function subscriptionKeys(connectionId: string, topic: Topic): [ofTopic: Item, ofConnection: Item] {
  return [
    { pk: keyOfTopic(topic), sk: connectionId },
    { pk: partitionOf(connectionId), sk: keyOfTopic(topic) },
  ];
}

export function dynamoDbConnections(
  client: DynamoDBDocumentClient,
  TableName: string,
): ConnectionStore {
  const remove = (keys: readonly Item[]) =>
    atOnce(keys, deletesAtOnce, (Key) => client.send(new DeleteCommand({ TableName, Key })));
  const topicsOf = async (connectionId: string): Promise<Topic[]> => {
    const pk = partitionOf(connectionId);
    const topics: Topic[] = [];
    for await (const { sk } of itemsUnder(client, TableName, pk, topicPrefix)) {
      topics.push(topicOfKey(sk));
    }
    return topics;
  };
  return {
    async open({ connectionId, owner, openedAtMs, expiresAtMs }, ticketId) {
      const failed = await failedConditionsOf(client, [
        putNew(TableName, {
          ...{ pk: `ticket#${ticketId}`, sk: "ticket" },
          ttl: seconds(openedAtMs + 2 * limits.connectionTicketTtlMs),
        }),
        {
          Put: {
            TableName,
            Item: {
              ...{ pk: partitionOf(connectionId), sk: "connection", owner },
              ...{ openedAt: BigInt(openedAtMs), ttl: seconds(expiresAtMs) },
            },
          },
        },
      ]);
      return failed === undefined ? "opened" : "used";
    },
    async close(connectionId) {
      const topics = await topicsOf(connectionId);
      const keys = topics.map((topic) => subscriptionKeys(connectionId, topic));
      // Killed in between, the next attempt finds what is left by the second half.
      await remove(keys.map(([ofTopic]) => ofTopic));
      await remove([
        ...keys.map(([, ofConnection]) => ofConnection),
        { pk: partitionOf(connectionId), sk: "connection" },
      ]);
    },
    followed: topicsOf,
    async follow({ connectionId, expiresAtMs }, topic) {
      const ttl = seconds(expiresAtMs);
      await failedConditionsOf(
        client,
        subscriptionKeys(connectionId, topic).map((key) => ({
          Put: { TableName, Item: { ...key, ttl } },
        })),
      );
    },
    async unfollow(connectionId, topic) {
      await remove(subscriptionKeys(connectionId, topic));
    },
    async followers(topic) {
      const items = queryItems(client, {
        TableName,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": keyOfTopic(topic) },
        ConsistentRead: true,
      });
      const connectionIds: string[] = [];
      for await (const { sk } of items) connectionIds.push(String(sk));
      return connectionIds;
    },
  };
}
