import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { resolvedTtlMs } from "../../core/dead-letters/letter.ts";
import type { ActionStore, AuditEntry, Redrive } from "../../core/dead-letters/redrive.ts";
import { checkTimedCursor, nextCursor } from "../../core/perimeter/page.ts";
import { getItem } from "./items.ts";

const auditPartition = "audit";
const keyOf = (redriveId: string) => ({ pk: `redrive#${redriveId}`, sk: "redrive" });

/** What operators did, and their redrives, in the table of dead letters. */
export function dynamoDbLetterActions(
  client: DynamoDBDocumentClient,
  TableName: string,
): ActionStore {
  return {
    async audit(entry, id) {
      const Item = { pk: auditPartition, sk: id, record: JSON.stringify(entry) };
      await client.send(new PutCommand({ TableName, Item }));
    },
    async readAudit(limit, cursor) {
      checkTimedCursor(cursor);
      const { Items = [] } = await client.send(
        new QueryCommand({
          ...{ TableName, Limit: limit, ScanIndexForward: false },
          KeyConditionExpression: `pk = :pk${cursor === undefined ? "" : " AND sk < :before"}`,
          ExpressionAttributeValues: {
            ":pk": auditPartition,
            ...(cursor !== undefined && { ":before": cursor }),
          },
        }),
      );
      const entries = Items.map(({ record }) => JSON.parse(String(record)) as AuditEntry);
      return { entries, ...nextCursor(Items, limit, (last) => String(last.sk)) };
    },
    async putRedrive(redrive) {
      const ttl = BigInt(Math.ceil((redrive.requestedAtMs + resolvedTtlMs) / 1_000));
      const Item = { ...keyOf(redrive.redriveId), ttl, record: JSON.stringify(redrive) };
      await client.send(new PutCommand({ TableName, Item }));
    },
    async readRedrive(redriveId) {
      const item = await getItem(client, TableName, keyOf(redriveId));
      return item && (JSON.parse(String(item.record)) as Redrive);
    },
  };
}
