import { DeleteCommand, type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { IntegrationId } from "../../core/contracts/job-types.ts";
import { integrationsPartition } from "../../core/contracts/storage.ts";
import type { Integration, IntegrationStore } from "../../core/integrations/integration.ts";
import { getItem, type Item } from "./items.ts";
import { putRevision } from "./put-revision.ts";

const keyOf = (integrationId: IntegrationId) => ({ pk: integrationsPartition, sk: integrationId });

/** Integrations in the registry table, all under one key. */
export function dynamoDbIntegrations(
  client: DynamoDBDocumentClient,
  registryTable: string,
): IntegrationStore {
  return {
    async read(integrationId) {
      const item = await getItem(client, registryTable, keyOf(integrationId));
      return item && integrationFromItem(item);
    },
    async list(limit, after) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: registryTable,
          KeyConditionExpression: `pk = :pk${after === undefined ? "" : " AND sk > :after"}`,
          ExpressionAttributeValues: {
            ":pk": integrationsPartition,
            ...(after !== undefined && { ":after": after }),
          },
          ConsistentRead: true,
          Limit: limit,
        }),
      );
      return Items.map(integrationFromItem);
    },
    async put(integration) {
      const { integrationId, revision } = integration;
      // As JSON, so that its numbers come back as they were.
      const item = { ...keyOf(integrationId), record: JSON.stringify(integration) };
      return await putRevision(client, registryTable, item, revision);
    },
    async delete(integrationId) {
      await client.send(new DeleteCommand({ TableName: registryTable, Key: keyOf(integrationId) }));
    },
  };
}

const integrationFromItem = ({ record }: Item): Integration => JSON.parse(String(record));
