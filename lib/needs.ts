import { Aws, Lazy, Stack, Tags, Validations } from "aws-cdk-lib";
import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IConstruct } from "constructs";
import { queueOfKind } from "../core/contracts/dead-letter-sources.ts";
import { environment } from "../core/contracts/environment.ts";
import { canaryArticleId } from "../core/contracts/ids.ts";
import {
  callerLimitPartitions,
  type FilePrefix,
  failuresPrefix,
  filePrefixes,
  integrationsPartition,
  lettersPrefix,
  longPollPartitions,
  payoutLists,
  poolPlansPrefix,
  pressureItem,
  reviewProgressPrefix,
  summariesPartition,
  tables,
} from "../core/contracts/storage.ts";
import { addressOf, domainOf, mailSetName } from "./mail.ts";
import {
  deferralGroupName,
  filesBucketName,
  nameIn,
  type Platform,
  type TableName,
} from "./platform.ts";
import type { Settings } from "./settings.ts";

/** A session or role with this tag may send to a worker's queue: redriving is done in its name. */
export const redriveTag = { key: "pennyline-redrive", value: "allowed" } as const;

type FileAction = "GetObject" | "PutObject" | "DeleteObject" | "AbortMultipartUpload";

type DynamoAction =
  | "GetItem"
  | "BatchGetItem"
  | "BatchWriteItem"
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
  readonly deadLetterIndex?: readonly DynamoAction[];
  /** Why deliveries fail, and that letters that were redriven did not: noted by each worker. */
  readonly failureLog?: readonly DynamoAction[];
  /** What dead letter queues there are, and what may be done with them, by the ends of their names. */
  readonly deadLetterQueues?: readonly string[];
  /** How much waits in each queue. */
  readonly queueDepths?: boolean;
  /** What CloudWatch has measured, and what its alarms say. */
  readonly monitoring?: readonly ("DescribeAlarms" | "GetMetricData")[];
  /** Sends dead letters back to where they came from. */
  readonly redrives?: boolean;
  readonly accountIndex?: readonly DynamoAction[];
  /** Payouts of every creator, by state and time. */
  readonly payoutIndex?: readonly DynamoAction[];
  /** Lists of articles and creators. */
  readonly currentIndex?: readonly DynamoAction[];
  /** The lists in the ledger's table, and nothing else of it: entries stay out of reach. */
  readonly payoutLists?: readonly DynamoAction[];
  /** How far reviews have come and what pools' days are worth, in the registry's table. */
  readonly reviewProgress?: readonly DynamoAction[];
  readonly poolPlans?: readonly DynamoAction[];
  /** Sums of all creators' earnings, in the registry's table. */
  readonly summaries?: readonly DynamoAction[];
  /** How fast the API's callers are, and may be, in the pacing table. */
  readonly callerLimits?: readonly DynamoAction[];
  /** How many clients wait for a job, and may, in the pacing table. */
  readonly longPolls?: readonly DynamoAction[];
  readonly jobOwnerIndex?: readonly DynamoAction[];
  readonly jobAttentionIndex?: readonly DynamoAction[];
  /** Files of a kind; a pre-signed URL can do no more than the function that signs it. */
  readonly files?: { readonly [P in FilePrefix]?: readonly FileAction[] };
  readonly putEvents?: boolean;
  /** May put events on the bus at a later time, too. */
  readonly deferEvents?: boolean;
  readonly webhookSecret?: boolean;
  readonly webPushSecret?: boolean;
  readonly linkSecret?: boolean;
  /** Hashes the addresses that are limited. */
  readonly limitSecret?: boolean;
  /** Tells clients where to connect. */
  readonly connectionUrl?: boolean;
  readonly statementRules?: boolean;
  readonly jobRules?: boolean;
  /** Sends e-mail, from the stage's own address. */
  readonly mail?: boolean;
  readonly webPush?: boolean;
  /** How full queues are, which tells whether there is room for more. */
  readonly pressure?: readonly DynamoAction[];
  /** From when on a queue is too full. */
  readonly backpressureRules?: boolean;
  /** What jobs call, in the registry's table. */
  readonly integrations?: readonly DynamoAction[];
  /** Calls addresses that callers named. */
  readonly outbound?: boolean;
  readonly viewTokenSecret?: boolean;
  readonly settlementRules?: boolean;
  readonly canaryRules?: boolean;
  /** The article that the canary reads, and no other. */
  readonly canaryArticle?: readonly DynamoAction[];
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
  canaryArticle: { table: "registry", keys: [`article#${canaryArticleId}`] },
  poolPlans: { table: "registry", keys: [`${poolPlansPrefix}*`] },
  summaries: { table: "registry", keys: [summariesPartition] },
  pressure: { table: "pacing", keys: [pressureItem] },
  integrations: { table: "registry", keys: [integrationsPartition] },
  callerLimits: { table: "pacing", keys: callerLimitPartitions },
  longPolls: { table: "pacing", keys: longPollPartitions },
  failureLog: { table: "deadLetters", keys: [`${failuresPrefix}*`, `${lettersPrefix}*`] },
} as const satisfies Record<string, { table: TableName; keys: readonly string[] }>;
const secretNames = [
  "viewTokenSecret",
  "webhookSecret",
  "webPushSecret",
  "linkSecret",
  "limitSecret",
] as const;
const partitionNames = Object.keys(partitions) as (keyof typeof partitions)[];

const tableVariable: Record<TableName, string> = {
  impressionKeys: environment.impressionKeysTable,
  earningsCounters: environment.earningsCountersTable,
  ledger: environment.ledgerTable,
  registry: environment.registryTable,
  idempotency: environment.idempotencyTable,
  jobs: environment.jobsTable,
  drafts: environment.draftsTable,
  followers: environment.followersTable,
  webhooks: environment.webhooksTable,
  connections: environment.connectionsTable,
  pacing: environment.pacingTable,
  traces: environment.tracesTable,
  deadLetters: environment.deadLettersTable,
};

export function environmentOf(needs: Needs, platform: Platform): Record<string, string> {
  const { settings } = platform;
  const variables: Record<string, string> = {
    [environment.publisherId]: settings.publisherId,
    [environment.currency]: settings.currency,
    ...tracingVariables(platform),
  };
  for (const table of tablesOf(needs)) {
    variables[tableVariable[table]] = platform.tables[table].tableName;
  }
  if (needs.putEvents) variables[environment.eventBusName] = platform.bus.eventBusName;
  if (needs.files) variables[environment.filesBucket] = platform.files.bucketName;
  if (needs.mail) variables[environment.mail] = mailOf(platform);
  if (needs.deadLetterQueues || needs.queueDepths || needs.redrives) {
    variables[environment.queuePrefix] = `${nameIn(settings)}-`;
    // Stacks that come later have theirs, too.
    variables[environment.deadLetterSources] = Lazy.string({
      produce: () => JSON.stringify(Object.fromEntries(platform.deadLetterSources)),
    });
  }
  if (needs.monitoring?.includes("DescribeAlarms")) {
    variables[environment.alarmPrefix] = `${nameIn(settings)}-`;
  }
  if (needs.deferEvents) {
    const { group, role, deadLetters } = platform.deferral;
    variables[environment.eventBusArn] = platform.bus.eventBusArn;
    variables[environment.deferralGroup] = group.ref;
    variables[environment.deferralRoleArn] = role.roleArn;
    variables[environment.deferralDeadLettersArn] = deadLetters.queueArn;
  }
  if (needs.connectionUrl) {
    if (platform.connectionUrl === undefined) throw new Error("the WebSocket API comes later");
    variables[environment.connectionUrl] = platform.connectionUrl;
  }
  for (const name of secretNames) {
    // Its name in AWS, not its value: the function reads the value when it starts.
    if (needs[name]) variables[environment[`${name}Arn`]] = platform[name].secretArn;
  }
  if (needs.settlementRules) {
    variables[environment.settlementMinMicros] = settings.settlement.minMicros;
    variables[environment.settlementMaxWaitMs] = String(settings.settlement.maxWaitMs);
  }
  if (needs.canaryRules) {
    variables[environment.canaryWithinSeconds] = String(settings.canary.withinSeconds);
  }
  if (needs.dedupeTtl) variables[environment.dedupeTtlDays] = String(settings.dedupeTtlDays);
  return { ...variables, ...rulesOf(needs, settings) };
}

const perMillion = (percent: number) => String(Math.round(percent * 10_000));

/** Every function tells what it did, as it writes a log. */
function tracingVariables({ settings, tables }: Platform): Record<string, string> {
  const { samplePercent, retentionDays, xRayPercent } = settings.tracing;
  return {
    [environment.tracesTable]: tables.traces.tableName,
    [environment.tracePerMillion]: perMillion(samplePercent),
    [environment.traceRetentionDays]: String(retentionDays),
    [environment.xRayPerMillion]: perMillion(xRayPercent),
  };
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
    ...(needs.statementRules && {
      [environment.statementIssuer]: JSON.stringify({
        ...{ name: settings.publisherId },
        ...settings.statements,
      }),
    }),
    ...(needs.backpressureRules && {
      [environment.backpressure]: JSON.stringify(settings.backpressure),
    }),
    ...(needs.jobRules && { [environment.jobRetentionDays]: String(settings.jobs.retentionDays) }),
    ...(needs.webPush && {
      [environment.webPushContact]: settings.webPush.contact ?? settings.issuer,
      [environment.webPushPerSecond]: String(settings.webPush.perSecond),
    }),
    ...(needs.longPolls && {
      [environment.longPolls]: JSON.stringify({
        perOwner: settings.jobs.maxLongPollsPerOwner,
        all: settings.jobs.maxLongPolls,
      }),
    }),
    ...(needs.callerLimits && { [environment.rateLimits]: ratesOf(settings) }),
    ...(needs.outbound && { [environment.allowLoopback]: String(settings.outbound.allowLoopback) }),
  };
}

function ratesOf({ rateLimits }: Settings): string {
  const rateOf = ({ ratePerSecond, burst }: Settings["rateLimits"]["ip"]) => ({
    perSecond: ratePerSecond,
    burst,
  });
  const rates = Object.entries(rateLimits).map(([whose, limit]) => [whose, rateOf(limit)]);
  return JSON.stringify(Object.fromEntries(rates));
}

function mailOf({ settings }: Platform): string {
  const { mail } = settings;
  if (!mail) return "null";
  const { from, perSecond } = mail;
  return JSON.stringify({ from, perSecond, configurationSet: mailSetName(settings) });
}

export function grantNeeds(
  needs: Needs,
  platform: Platform,
  grantee: IGrantable & IConstruct,
): void {
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
  if (needs.payoutIndex) {
    allow(dynamo(needs.payoutIndex), indexOf("ledger", tables.ledger.payoutIndex.name));
  }
  if (needs.currentIndex) {
    allow(dynamo(needs.currentIndex), indexOf("registry", tables.registry.currentIndex.name));
  }
  if (needs.deadLetterIndex) {
    allow(
      dynamo(needs.deadLetterIndex),
      indexOf("deadLetters", tables.deadLetters.stateIndex.name),
    );
  }
  if (needs.jobOwnerIndex) {
    allow(dynamo(needs.jobOwnerIndex), indexOf("jobs", tables.jobs.ownerIndex.name));
  }
  if (needs.jobAttentionIndex) {
    allow(dynamo(needs.jobAttentionIndex), indexOf("jobs", tables.jobs.attentionIndex.name));
  }
  for (const [prefix, actions] of Object.entries(needs.files ?? {})) {
    const keys = `${filePrefixes[prefix as FilePrefix]}*`;
    const bucket = `arn:${Aws.PARTITION}:s3:::${filesBucketName(platform.settings)}`;
    allow(
      actions.map((name) => `s3:${name}`),
      `${bucket}/${keys}`,
    );
    acknowledgeWildcard(grantee, `${bucket}/${keys}`, `It may touch every file below ${prefix}.`);
  }
  for (const name of partitionNames) {
    const actions = needs[name];
    if (!actions) continue;
    const { table, keys } = partitions[name];
    allow(dynamo(actions), platform.tables[table].tableArn, {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [...keys] },
    });
  }
  if (needs.deadLetterQueues?.length) {
    const reason = "Every dead letter queue is emptied, and no other.";
    for (const queue of Object.values(queueOfKind)) {
      allowQueues(needs.deadLetterQueues, queue("*"), platform, grantee, reason);
    }
  }
  if (needs.queueDepths) {
    const reason = "Operators look at every queue.";
    allowQueues(["GetQueueAttributes", "GetQueueUrl"], "*", platform, grantee, reason);
  }
  if (needs.monitoring) {
    allow(
      needs.monitoring.map((name) => `cloudwatch:${name}`),
      "*",
    );
    const reason =
      "It only reads: metrics are no resources, and of composite alarms only who may read all " +
      "alarms is told.";
    acknowledgeWildcard(grantee, "*", reason);
  }
  if (needs.redrives) {
    const reason = "Any worker's dead letters may be sent back to it.";
    allowQueues(["GetQueueUrl", "SendMessage"], "*", platform, grantee, reason);
    // Queues take messages from their rule, and from nobody else but this.
    Tags.of(grantee).add(redriveTag.key, redriveTag.value);
  }
  if (needs.putEvents) allow(["events:PutEvents"], platform.bus.eventBusArn);
  if (needs.deferEvents) {
    const { role } = platform.deferral;
    const group = deferralGroupName(platform.settings);
    const schedules = `arn:${Aws.PARTITION}:scheduler:${Aws.REGION}:${Aws.ACCOUNT_ID}:schedule/${group}/*`;
    allow(["scheduler:CreateSchedule"], schedules);
    acknowledgeWildcard(grantee, schedules, "It names the schedules of this group that it makes.");
    allow(["iam:PassRole"], role.roleArn, {
      StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" },
    });
  }
  if (needs.mail && platform.settings.mail) {
    const ses = `arn:${Aws.PARTITION}:ses:${Aws.REGION}:${Aws.ACCOUNT_ID}`;
    const address = addressOf(platform.settings.mail.from);
    const own = { StringEquals: { "ses:FromAddress": address } };
    allow(["ses:SendEmail"], `${ses}:identity/${domainOf(address)}`, own);
    allow(["ses:SendEmail"], `${ses}:configuration-set/${mailSetName(platform.settings)}`, own);
  }
  for (const name of secretNames) {
    if (needs[name]) allow(["secretsmanager:GetSecretValue"], platform[name].secretArn);
  }
}

/** By the ends of their names: a queue that is added later is one of them. */
function allowQueues(
  actions: readonly string[],
  ending: string,
  { settings }: Platform,
  grantee: IGrantable & IConstruct,
  reason: string,
): void {
  const queues = `arn:${Aws.PARTITION}:sqs:${Aws.REGION}:${Aws.ACCOUNT_ID}:${nameIn(settings)}`;
  const resource = `${queues}-${ending}`;
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({ actions: actions.map((name) => `sqs:${name}`), resources: [resource] }),
  );
  acknowledgeWildcard(grantee, resource, reason);
}

/** A part of something by its names: what stands before the `*` is what the grant is about. */
export function acknowledgeWildcard(grantee: IConstruct, resource: string, reason: string) {
  const named = Stack.of(grantee).resolve(resource) as string | object;
  const id = `AwsSolutions-IAM5[Resource::${readable(named)}]`;
  Validations.of(grantee).acknowledge({ id, reason });
}

/** As cdk-nag writes it. */
function readable(value: string | object): string {
  if (typeof value === "string") return value;
  const [[name, argument] = ["", ""]] = Object.entries(value);
  if (name === "Fn::Join")
    return (argument as [string, (string | object)[]])[1].map(readable).join("");
  return `<${argument}>`;
}

/** A function that only needs an index or a part of a table must know its table's name all the same. */
function tablesOf(needs: Needs): Set<TableName> {
  return new Set([
    ...(Object.keys(needs.tables ?? {}) as TableName[]),
    ...(needs.dueIndex ? (["earningsCounters"] as const) : []),
    ...(needs.deadLetterIndex ? (["deadLetters"] as const) : []),
    ...(needs.accountIndex || needs.payoutIndex ? (["ledger"] as const) : []),
    ...(needs.currentIndex ? (["registry"] as const) : []),
    ...(needs.jobOwnerIndex || needs.jobAttentionIndex ? (["jobs"] as const) : []),
    ...partitionNames.flatMap((name) => (needs[name] ? [partitions[name].table] : [])),
  ]);
}
