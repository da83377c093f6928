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

/** Creates the table, or checks that the one in the data folder has the keys of the template. */
export async function createTable(client: DynamoDbClient, resource: Resource): Promise<string> {
  const properties = readProperties(resource, tableShape, ignored);
  const name = resource.ref;
  const existing = await findTable(client, name);
  if (existing !== undefined) {
    refuseOtherKeys(resource, existing, properties);
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
  readonly GlobalSecondaryIndexes?: readonly IndexProperties[];
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

function refuseOtherKeys(
  resource: Resource,
  existing: TableDescription,
  wanted: Pick<TableDescription, "KeySchema"> & {
    readonly GlobalSecondaryIndexes?: readonly IndexProperties[] | undefined;
  },
): void {
  const keys = (indexes: readonly IndexProperties[] | undefined) =>
    Object.fromEntries((indexes ?? []).map((index) => [index.IndexName, index.KeySchema]));
  const same =
    isDeepStrictEqual(existing.KeySchema, wanted.KeySchema) &&
    isDeepStrictEqual(keys(existing.GlobalSecondaryIndexes), keys(wanted.GlobalSecondaryIndexes));
  if (same) return;
  throw new Error(
    `${describe(resource)} has other keys or indexes than the table in the data folder, which ` +
      "CloudFormation would replace with an empty one; start with --reset to do the same",
  );
}
