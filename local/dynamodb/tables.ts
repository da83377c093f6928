import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { readProperties } from "../templates/properties.ts";
import { describe, type Resource } from "../templates/resources.ts";
import { type DynamoDbClient, DynamoDbError } from "./client.ts";

const keySchema = z.array(z.object({ AttributeName: z.string(), KeyType: z.string() }));
const projection = z.looseObject({ ProjectionType: z.string().optional() });
const tableShape = {
  TableName: z.string().optional(),
  KeySchema: keySchema,
  AttributeDefinitions: z.array(z.object({ AttributeName: z.string(), AttributeType: z.string() })),
  GlobalSecondaryIndexes: z
    .array(z.looseObject({ IndexName: z.string(), KeySchema: keySchema, Projection: projection }))
    .optional(),
  LocalSecondaryIndexes: z
    .array(z.looseObject({ IndexName: z.string(), KeySchema: keySchema, Projection: projection }))
    .optional(),
  TimeToLiveSpecification: z
    .looseObject({ AttributeName: z.string().optional(), Enabled: z.boolean() })
    .optional(),
};
/** Capacity, backups, encryption and tags: nothing that one machine has. */
const ignored = [
  "BillingMode",
  "ContributorInsightsSpecification",
  "DeletionProtectionEnabled",
  "OnDemandThroughput",
  "PointInTimeRecoverySpecification",
  "ProvisionedThroughput",
  "Replicas",
  "SSESpecification",
  "TableClass",
  "Tags",
  "WarmThroughput",
  "WriteOnDemandThroughputSettings",
];

/**
 * Creates the table, or takes over the one in the data folder: indexes that the template has on top
 * are added and filled, as CloudFormation would.
 */
export async function createTable(client: DynamoDbClient, resource: Resource): Promise<string> {
  const properties = readProperties(resource, tableShape, ignored);
  const name = resource.ref;
  const existing = await findTable(client, name);
  if (existing !== undefined) {
    refuseOtherKeys(resource, existing, properties);
    await addIndexes(client, name, existing, properties);
    return name;
  }
  const indexes = (properties.GlobalSecondaryIndexes ?? []).map(indexOf);
  const localIndexes = (properties.LocalSecondaryIndexes ?? []).map(indexOf);
  await client.call("CreateTable", {
    TableName: name,
    KeySchema: properties.KeySchema,
    AttributeDefinitions: properties.AttributeDefinitions,
    BillingMode: "PAY_PER_REQUEST",
    ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
    ...(localIndexes.length > 0 && { LocalSecondaryIndexes: localIndexes }),
  });
  if (properties.TimeToLiveSpecification?.Enabled) {
    await client.call("UpdateTimeToLive", {
      TableName: name,
      TimeToLiveSpecification: properties.TimeToLiveSpecification,
    });
  }
  return name;
}

function indexOf({ IndexName, KeySchema, Projection }: IndexProperties): IndexProperties {
  return { IndexName, KeySchema, Projection };
}

interface IndexProperties {
  readonly IndexName: string;
  readonly KeySchema: z.infer<typeof keySchema>;
  readonly Projection: z.infer<typeof projection>;
}

interface TableDescription {
  readonly KeySchema: z.infer<typeof keySchema>;
  readonly GlobalSecondaryIndexes?: readonly (IndexProperties & {
    readonly IndexStatus?: string;
  })[];
}

async function findTable(client: DynamoDbClient, name: string) {
  try {
    const answer = await client.call("DescribeTable", { TableName: name });
    return answer.Table as TableDescription;
  } catch (error) {
    if (error instanceof DynamoDbError && error.name === "ResourceNotFoundException") return;
    throw error;
  }
}

interface WantedTable {
  readonly KeySchema: TableDescription["KeySchema"];
  readonly AttributeDefinitions: readonly object[];
  readonly GlobalSecondaryIndexes?: readonly IndexProperties[] | undefined;
}

function refuseOtherKeys(
  resource: Resource,
  existing: TableDescription,
  wanted: WantedTable,
): void {
  const wantedIndexes = new Map(
    (wanted.GlobalSecondaryIndexes ?? []).map((index) => [index.IndexName, index.KeySchema]),
  );
  const same =
    isDeepStrictEqual(existing.KeySchema, wanted.KeySchema) &&
    (existing.GlobalSecondaryIndexes ?? []).every(({ IndexName, KeySchema }) =>
      isDeepStrictEqual(KeySchema, wantedIndexes.get(IndexName)),
    );
  if (same) return;
  throw new Error(
    `${describe(resource)} has other keys than the table in the data folder, or lacks an index of ` +
      "it. This copy only adds indexes; start with --reset to begin with an empty table",
  );
}

const indexReadyWithinMs = 60_000;

/** One after another: DynamoDB adds one index at a time. */
async function addIndexes(
  client: DynamoDbClient,
  name: string,
  existing: TableDescription,
  wanted: WantedTable,
): Promise<void> {
  const known = new Set(existing.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName));
  for (const index of wanted.GlobalSecondaryIndexes ?? []) {
    if (known.has(index.IndexName)) continue;
    await client.call("UpdateTable", {
      TableName: name,
      AttributeDefinitions: wanted.AttributeDefinitions,
      GlobalSecondaryIndexUpdates: [{ Create: indexOf(index) }],
    });
    await untilActive(client, name, index.IndexName);
  }
}

async function untilActive(client: DynamoDbClient, name: string, indexName: string) {
  const deadline = Date.now() + indexReadyWithinMs;
  while (Date.now() < deadline) {
    const table = await findTable(client, name);
    const index = table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === indexName);
    if (index?.IndexStatus === "ACTIVE") return;
    await delay(100);
  }
  throw new Error(`index ${indexName} of ${name} was not filled in ${indexReadyWithinMs} ms`);
}
