import { Template } from "aws-cdk-lib/assertions";
import { afterAll, describe, expect, test } from "vitest";
import { tables } from "../../core/contracts/storage.ts";
import { resourcesOf } from "./support/resources.ts";
import { newState, removeSynthesized } from "./support/synthesize.ts";

afterAll(removeSynthesized);

const local = Template.fromStack(newState("local"));
const prod = Template.fromStack(newState("prod"));

const table = (template: Template, id: string) =>
  resourcesOf([template], "AWS::DynamoDB::Table").find((one) => one.id.startsWith(id)) ??
  expect.unreachable(`no table ${id}`);

const backedUp = ["ImpressionKeys", "EarningsCounters", "Ledger", "Registry"];

describe.each([...backedUp, "Idempotency"])("table %s", (id) => {
  test("is paid by the request", () => {
    expect(table(local, id).properties.BillingMode).toBe("PAY_PER_REQUEST");
  });

  test("goes with its stack, except in prod", () => {
    expect(table(local, id).deletionPolicy).toBe("Delete");
    expect(table(local, id).properties.DeletionProtectionEnabled).toBe(false);
    expect(table(prod, id).deletionPolicy).toBe("Retain");
    expect(table(prod, id).properties.DeletionProtectionEnabled).toBe(true);
  });

  test("can be restored to any moment if it holds state", () => {
    const { PointInTimeRecoverySpecification } = table(prod, id).properties;
    expect(PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(backedUp.includes(id));
  });
});

test("keys and remembered answers expire", () => {
  expect(table(local, "ImpressionKeys").properties.TimeToLiveSpecification).toEqual({
    AttributeName: tables.impressionKeys.ttl,
    Enabled: true,
  });
  expect(table(local, "Idempotency").properties.TimeToLiveSpecification).toEqual({
    AttributeName: tables.idempotency.ttl,
    Enabled: true,
  });
});

test("nothing that is money expires", () => {
  for (const id of ["EarningsCounters", "Ledger", "Registry"]) {
    expect(table(local, id).properties).not.toHaveProperty("TimeToLiveSpecification");
  }
});

test("the due index holds keys only", () => {
  expect(table(local, "EarningsCounters").properties.GlobalSecondaryIndexes).toEqual([
    {
      IndexName: "due",
      KeySchema: [
        { AttributeName: "due", KeyType: "HASH" },
        { AttributeName: "pk", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ]);
});

test("the account index holds keys only; the payout index is of payouts, whole", () => {
  expect(table(local, "Ledger").properties.GlobalSecondaryIndexes).toEqual([
    {
      IndexName: "accounts",
      KeySchema: [
        { AttributeName: "bucket", KeyType: "HASH" },
        { AttributeName: "pk", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
    {
      IndexName: "payouts",
      KeySchema: [
        { AttributeName: "state", KeyType: "HASH" },
        { AttributeName: "requestedAtMs", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "ALL" },
    },
  ]);
});

test("lists of the registry are by keys that every item has always had, without rate cards", () => {
  const [index, ...others] = table(local, "Registry").properties.GlobalSecondaryIndexes;
  expect(others).toEqual([]);
  expect(index.KeySchema).toEqual([
    { AttributeName: "sk", KeyType: "HASH" },
    { AttributeName: "pk", KeyType: "RANGE" },
  ]);
  expect(index.Projection.ProjectionType).toBe("INCLUDE");
  expect(index.Projection.NonKeyAttributes).not.toContain("rateCards");
});

test("the alarm topic takes alarms of this account, over TLS", () => {
  const [policy] = resourcesOf([local], "AWS::SNS::TopicPolicy");
  expect(policy?.properties.PolicyDocument.Statement).toMatchObject([
    { Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } },
    {
      Effect: "Allow",
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Action: "sns:Publish",
      Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } },
    },
  ]);
});
