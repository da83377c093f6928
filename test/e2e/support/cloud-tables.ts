import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { expect } from "vitest";
import { documentClientOptions } from "../../../adapters/dynamodb/client.ts";
import type { Cloud } from "../../../local/cloud.ts";

/** The tables of a running cloud, for what no request can bring about, such as time going by. */
export function cloudTables(cloud: Cloud) {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const raw = new DynamoDBClient({
    ...{ endpoint: cloud.dynamodbUrl, region: "us-east-1", credentials },
  });
  return {
    client: DynamoDBDocumentClient.from(raw, documentClientOptions),
    /** @param id how the table's logical id begins. */
    tableOf(id: string): string {
      const tables = cloud.resources.filter(({ type }) => type === "AWS::DynamoDB::Table");
      const table = tables.find(({ logicalId }) => logicalId.startsWith(id));
      return table?.ref ?? expect.unreachable(`there is no table ${id}`);
    },
    stop: () => raw.destroy(),
  };
}

export type CloudTables = ReturnType<typeof cloudTables>;
