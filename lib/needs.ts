import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { environment } from "../core/contracts/environment.ts";
import {
  payoutLists,
  poolPlansPrefix,
  reviewProgressPrefix,
  tables,
} from "../core/contracts/storage.ts";
import type { Platform, TableName } from "./platform.ts";
import type { Settings } from "./settings.ts";

type DynamoAction =
  | "GetItem"
  | "BatchGetItem"
  | "Query"
  | "Scan"
  | "PutItem"
  | "UpdateItem"
  | "DeleteItem"
  | "ConditionCheckItem";

/**
 * What a function may touch; a transaction needs the action of each of its parts. Each need brings
 * its grant and its environment variable together, so that a function neither lacks one of them nor
 * holds one that it has no use for.
 */
export interface Needs {
  readonly tables?: { readonly [T in TableName]?: readonly DynamoAction[] };
  readonly dueIndex?: readonly DynamoAction[];
  readonly accountIndex?: readonly DynamoAction[];
  /** The lists in the ledger's table, and nothing else of it: entries stay out of reach. */
  readonly payoutLists?: readonly DynamoAction[];
  /** How far reviews have come and what pools' days are worth, in the registry's table. */
  readonly reviewProgress?: readonly DynamoAction[];
  readonly poolPlans?: readonly DynamoAction[];
  readonly putEvents?: boolean;
  readonly viewTokenSecret?: boolean;
  readonly settlementRules?: boolean;
  readonly dedupeTtl?: boolean;
  readonly payoutRules?: boolean;
  readonly payoutFile?: boolean;
  readonly trafficRules?: boolean;
  readonly holdRules?: boolean;
  readonly poolRules?: boolean;
}

/** Parts of tables, by their partition keys; `*` stands for any ending. */
const partitions = {
  payoutLists: { table: "ledger", keys: Object.values(payoutLists) },
  reviewProgress: { table: "registry", keys: [`${reviewProgressPrefix}*`] },
  poolPlans: { table: "registry", keys: [`${poolPlansPrefix}*`] },
} as const satisfies Record<string, { table: TableName; keys: readonly string[] }>;
const partitionNames = Object.keys(partitions) as (keyof typeof partitions)[];

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
  return { ...variables, ...rulesOf(needs, settings) };
}

function rulesOf(needs: Needs, settings: Settings): Record<string, string> {
  const { payouts, invalidTraffic: traffic, pools } = settings;
  return {
    ...(needs.payoutRules && {
      [environment.payoutMinMicros]: payouts.minMicros,
      [environment.payoutDayOfMonth]: String(payouts.dayOfMonth),
    }),
    ...(needs.payoutFile && {
      // "null" where none is set: an empty variable would pass for a forgotten one.
      [environment.payoutDebtor]: JSON.stringify(payouts.debtor ?? null),
    }),
    ...(needs.trafficRules && {
      [environment.maxPerReaderHour]: String(traffic.maxPerReaderHour),
      [environment.maxPerReaderDay]: String(traffic.maxPerReaderDay),
      [environment.tokenBurst]: String(traffic.tokenBurst),
    }),
    ...(needs.holdRules && { [environment.holdDays]: String(traffic.holdDays) }),
    ...(needs.poolRules && { [environment.poolCloseHours]: String(pools.closeHours) }),
  };
}

export function grantNeeds(needs: Needs, platform: Platform, grantee: IGrantable): void {
  const allow = (actions: readonly string[], resource: string, conditions = {}) =>
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: [...actions], resources: [resource], conditions }),
    );
  const dynamo = (actions: readonly DynamoAction[]) => actions.map((name) => `dynamodb:${name}`);

  for (const [table, actions] of Object.entries(needs.tables ?? {})) {
    allow(dynamo(actions), platform.tables[table as TableName].tableArn);
  }
  const indexOf = (table: TableName, name: string) =>
    `${platform.tables[table].tableArn}/index/${name}`;
  if (needs.dueIndex) {
    const { name } = tables.earningsCounters.dueIndex;
    allow(dynamo(needs.dueIndex), indexOf("earningsCounters", name));
  }
  if (needs.accountIndex) {
    allow(dynamo(needs.accountIndex), indexOf("ledger", tables.ledger.accountIndex.name));
  }
  for (const name of partitionNames) {
    const actions = needs[name];
    if (!actions) continue;
    const { table, keys } = partitions[name];
    allow(dynamo(actions), platform.tables[table].tableArn, {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [...keys] },
    });
  }
  if (needs.putEvents) allow(["events:PutEvents"], platform.bus.eventBusArn);
  if (needs.viewTokenSecret) {
    allow(["secretsmanager:GetSecretValue"], platform.viewTokenSecret.secretArn);
  }
}

/** A function that only needs an index or a part of a table must know its table's name all the same. */
function tablesOf(needs: Needs): Set<TableName> {
  return new Set([
    ...(Object.keys(needs.tables ?? {}) as TableName[]),
    ...(needs.dueIndex ? (["earningsCounters"] as const) : []),
    ...(needs.accountIndex ? (["ledger"] as const) : []),
    ...partitionNames.flatMap((name) => (needs[name] ? [partitions[name].table] : [])),
  ]);
}
