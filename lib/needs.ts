import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { environment } from "../core/contracts/environment.ts";
import { tables } from "../core/contracts/storage.ts";
import type { Platform, TableName } from "./platform.ts";

type DynamoAction =
  | "GetItem"
  | "BatchGetItem"
  | "Query"
  | "Scan"
  | "PutItem"
  | "UpdateItem"
  | "DeleteItem";

/**
 * What a function may touch; a transaction needs the action of each of its parts. Each need brings its grant and its environment variable together, so
 * that a function neither lacks one of them nor holds one that it has no use for.
 */
export interface Needs {
  readonly tables?: { readonly [T in TableName]?: readonly DynamoAction[] };
  readonly dueIndex?: readonly DynamoAction[];
  readonly putEvents?: boolean;
  readonly viewTokenSecret?: boolean;
  readonly settlementRules?: boolean;
  readonly dedupeTtl?: boolean;
}

const tableVariable: Record<TableName, string> = {
  impressionKeys: environment.impressionKeysTable,
  earningsCounters: environment.earningsCountersTable,
  ledger: environment.ledgerTable,
  registry: environment.registryTable,
  idempotency: environment.idempotencyTable,
};

export function environmentOf(needs: Needs, platform: Platform): Record<string, string> {
  const { settings } = platform;
  const variables: Record<string, string> = {
    [environment.publisherId]: settings.publisherId,
    [environment.currency]: settings.currency,
  };
  for (const table of tablesOf(needs)) {
    variables[tableVariable[table]] = platform.tables[table].tableName;
  }
  if (needs.putEvents) variables[environment.eventBusName] = platform.bus.eventBusName;
  if (needs.viewTokenSecret) {
    // Its name in AWS, not its value: the function reads the value when it starts.
    variables[environment.viewTokenSecretArn] = platform.viewTokenSecret.secretArn;
  }
  if (needs.settlementRules) {
    variables[environment.settlementMinMicros] = settings.settlement.minMicros;
    variables[environment.settlementMaxWaitMs] = String(settings.settlement.maxWaitMs);
  }
  if (needs.dedupeTtl) variables[environment.dedupeTtlDays] = String(settings.dedupeTtlDays);
  return variables;
}

export function grantNeeds(needs: Needs, platform: Platform, grantee: IGrantable): void {
  const allow = (actions: readonly string[], resource: string) =>
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: [...actions], resources: [resource] }),
    );
  const dynamo = (actions: readonly DynamoAction[]) => actions.map((name) => `dynamodb:${name}`);

  for (const [table, actions] of Object.entries(needs.tables ?? {})) {
    allow(dynamo(actions), platform.tables[table as TableName].tableArn);
  }
  if (needs.dueIndex) {
    const { tableArn } = platform.tables.earningsCounters;
    const index = tables.earningsCounters.dueIndex.name;
    allow(dynamo(needs.dueIndex), `${tableArn}/index/${index}`);
  }
  if (needs.putEvents) allow(["events:PutEvents"], platform.bus.eventBusArn);
  if (needs.viewTokenSecret) {
    allow(["secretsmanager:GetSecretValue"], platform.viewTokenSecret.secretArn);
  }
}

function tablesOf(needs: Needs): TableName[] {
  const named = Object.keys(needs.tables ?? {}) as TableName[];
  return needs.dueIndex && !named.includes("earningsCounters")
    ? [...named, "earningsCounters"]
    : named;
}
