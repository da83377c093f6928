import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { documentClientOptions } from "../../adapters/dynamodb/client.ts";
import { tables } from "../../core/contracts/storage.ts";
import { startDynamoDb } from "../../local/dynamodb/server.ts";

export interface TestTables {
  readonly client: DynamoDBDocumentClient;
  readonly impressionKeysTable: string;
  readonly earningsCountersTable: string;
  readonly ledgerTable: string;
  readonly registryTable: string;
  stop(): Promise<void>;
}

/** A real engine with the tables of `core/contracts/storage.ts`, for tests of the adapters alone. */
export async function startTables(): Promise<TestTables> {
  const directory = mkdtempSync(join(tmpdir(), "pennyline-tables-"));
  const server = await startDynamoDb(directory, (reason) => {
    throw new Error(reason);
  });
  const raw = new DynamoDBClient({
    endpoint: server.url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const { dueIndex } = tables.earningsCounters;
  const names = ["impressionKeys", "earningsCounters", "ledger", "registry"] as const;
  for (const name of names) {
    const sorted = name !== "impressionKeys";
    const indexed = name === "earningsCounters";
    await raw.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          ...(sorted ? [{ AttributeName: "sk", KeyType: "RANGE" as const }] : []),
        ],
        AttributeDefinitions: [
          { AttributeName: "pk", AttributeType: "S" },
          ...(sorted ? [{ AttributeName: "sk", AttributeType: "S" as const }] : []),
          ...(indexed
            ? [{ AttributeName: dueIndex.partitionKey, AttributeType: "N" as const }]
            : []),
        ],
        ...(indexed
          ? {
              GlobalSecondaryIndexes: [
                {
                  IndexName: dueIndex.name,
                  KeySchema: [
                    { AttributeName: dueIndex.partitionKey, KeyType: "HASH" as const },
                    { AttributeName: dueIndex.sortKey, KeyType: "RANGE" as const },
                  ],
                  Projection: { ProjectionType: "KEYS_ONLY" as const },
                },
              ],
            }
          : {}),
      }),
    );
  }
  return {
    client: DynamoDBDocumentClient.from(raw, documentClientOptions),
    impressionKeysTable: "impressionKeys",
    earningsCountersTable: "earningsCounters",
    ledgerTable: "ledger",
    registryTable: "registry",
    async stop() {
      raw.destroy();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
