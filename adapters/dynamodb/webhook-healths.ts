import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { WebhookEndpoint } from "../../core/webhooks/endpoint.ts";
import {
  type EndpointHealth,
  type EndpointHealths,
  unknownHealth,
} from "../../core/webhooks/endpoint-health.ts";
import { getItem } from "./items.ts";
import { putRevision } from "./put-revision.ts";

const keyOf = ({ owner, endpointId }: Pick<WebhookEndpoint, "owner" | "endpointId">) => ({
  pk: `health#${owner}`,
  sk: endpointId,
});

/** How endpoints have been of late, beside them. */
export function dynamoDbEndpointHealths(
  client: DynamoDBDocumentClient,
  webhooksTable: string,
): EndpointHealths {
  return {
    async read(endpoint) {
      const item = await getItem(client, webhooksTable, keyOf(endpoint));
      return item ? (JSON.parse(String(item.record)) as EndpointHealth) : unknownHealth;
    },
    async put(endpoint, health) {
      const item = { ...keyOf(endpoint), record: JSON.stringify(health) };
      await putRevision(client, webhooksTable, item, health.revision);
    },
  };
}
