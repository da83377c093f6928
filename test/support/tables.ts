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
  readonly pacingTable: string;
  stop(): Promise<void>;
}

interface TableIndex {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: string;
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
  const indexes: Readonly<Partial<Record<string, TableIndex>>> = {
    earningsCounters: tables.earningsCounters.dueIndex,
    ledger: tables.ledger.accountIndex,
  };
  for (const name of [
    "impressionKeys",
    "earningsCounters",
    "ledger",
    "registry",
    "pacing",
  ] as const) {
    await raw.send(createTable(name, indexes[name]));
  }
  return {
    client: DynamoDBDocumentClient.from(raw, documentClientOptions),
    impressionKeysTable: "impressionKeys",
    earningsCountersTable: "earningsCounters",
    ledgerTable: "ledger",
    registryTable: "registry",
    pacingTable: "pacing",
    async stop() {
      raw.destroy();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function createTable(name: string, index: TableIndex | undefined): CreateTableCommand {
  return new CreateTableCommand({
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: "pk", AttributeType: "S" },
      { AttributeName: "sk", AttributeType: "S" },
      ...(index ? [{ AttributeName: index.partitionKey, AttributeType: "N" as const }] : []),
    ],
    ...(index && {
      GlobalSecondaryIndexes: [
        {
          IndexName: index.name,
          KeySchema: [
            { AttributeName: index.partitionKey, KeyType: "HASH" },
            { AttributeName: index.sortKey, KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
    }),
  });
}
