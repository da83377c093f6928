import { DeleteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { CallbackSecrets } from "../../core/webhooks/callbacks.ts";
import {
  callbacksId,
  type WebhookEndpoint,
  type WebhookEndpoints,
} from "../../core/webhooks/endpoint.ts";
import { getItem, type Item, queryItems } from "./items.ts";
import { putRevision } from "./put-revision.ts";

const partitionOf = (owner: string) => `endpoints#${owner}`;
const keyOf = (owner: string, endpointId: string) => ({ pk: partitionOf(owner), sk: endpointId });

/** Endpoints, an owner's under one key. */
export function dynamoDbWebhookEndpoints(
  client: DynamoDBDocumentClient,
  webhooksTable: string,
): WebhookEndpoints {
  return {
    async read(owner, endpointId) {
      const item = await getItem(client, webhooksTable, keyOf(owner, endpointId));
      return item && endpointFromItem(item);
    },
    async list(owner) {
      const endpoints: WebhookEndpoint[] = [];
      const items = queryItems(client, {
        TableName: webhooksTable,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": partitionOf(owner) },
        ConsistentRead: true,
      });
      for await (const item of items) endpoints.push(endpointFromItem(item));
      return endpoints;
    },
    async put(endpoint) {
      const { owner, endpointId, revision } = endpoint;
      const item = { ...keyOf(owner, endpointId), record: JSON.stringify(endpoint) };
      return await putRevision(client, webhooksTable, item, revision);
    },
    async delete(owner, endpointId) {
      const { Attributes } = await client.send(
        new DeleteCommand({
          TableName: webhooksTable,
          Key: keyOf(owner, endpointId),
          ReturnValues: "ALL_OLD",
        }),
      );
      return Attributes !== undefined;
    },
  };
}

export function dynamoDbCallbackSecrets(
  client: DynamoDBDocumentClient,
  webhooksTable: string,
): CallbackSecrets {
  const key = (owner: string) => keyOf(owner, callbacksId);
  return { exists: async (owner) => !!(await getItem(client, webhooksTable, key(owner))) };
}

function endpointFromItem({ record }: Item): WebhookEndpoint {
  return JSON.parse(String(record)) as WebhookEndpoint;
}
