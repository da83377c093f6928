import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { workAskedFor, workKinds } from "../../core/contracts/queued-work.ts";
import { routes } from "../../core/contracts/routes.ts";
import {
  listOf,
  type Properties,
  reader,
  resourcesOf,
  shortName,
  statementsOf,
} from "./support/resources.ts";
import { removeSynthesized, synthesize, type Templates } from "./support/synthesize.ts";

const root = join(import.meta.dirname, "..", "..");

/**
 * All that each function may do, beyond its own logs and traces. A change here is a change of who
 * can touch money: it should be read as one.
 */
const idempotency = [
  "dynamodb:DeleteItem on Idempotency",
  "dynamodb:GetItem on Idempotency",
  "dynamodb:PutItem on Idempotency",
  "dynamodb:UpdateItem on Idempotency",
];
/** What every worker may do beside its work: take its messages, and note why they fail. */
const consume = (queue: string) => [
  ...["BatchWriteItem", "GetItem", "PutItem", "UpdateItem"].map(
    (action) => `dynamodb:${action} on DeadLetters, of failure#*, letter#*`,
  ),
  `sqs:ChangeMessageVisibility on ${queue}`,
  `sqs:DeleteMessage on ${queue}`,
  `sqs:GetQueueAttributes on ${queue}`,
  `sqs:GetQueueUrl on ${queue}`,
  `sqs:ReceiveMessage on ${queue}`,
];
const booking = [
  "dynamodb:GetItem on Ledger",
  "dynamodb:PutItem on Ledger",
  "dynamodb:UpdateItem on Ledger",
];
const rotatingSecrets = [
  "dynamodb:GetItem on Webhooks",
  "dynamodb:PutItem on Webhooks",
  ...idempotency,
  "secretsmanager:GetSecretValue on WebhookSecret",
];
const ofPayoutLists = ", of payouts#open, payouts#runs";
/** Whether there is room for what is asked for. */
const pressure = "dynamodb:GetItem on Pacing, of pressure";
const requestingJobs = [
  "dynamodb:GetItem on Jobs",
  "dynamodb:PutItem on Jobs",
  pressure,
  "dynamodb:GetItem on Webhooks",
  "events:PutEvents on Bus",
];
/** What every worker of a type of job may do to the record of its jobs. */
const work = [
  "dynamodb:GetItem on Jobs",
  "dynamodb:PutItem on Jobs",
  "dynamodb:UpdateItem on Jobs",
  "events:PutEvents on Bus",
];
const ses = "arn:AWS::Partition:ses:AWS::Region:AWS::AccountId";
const balances = [
  "dynamodb:GetItem on EarningsCounters",
  "dynamodb:GetItem on Ledger",
  "dynamodb:Query on EarningsCounters/index/due",
];
const follower = [
  "dynamodb:GetItem on Followers",
  "dynamodb:PutItem on Followers",
  "dynamodb:UpdateItem on Followers",
];
const defer = ["iam:PassRole on DeferralRole", "scheduler:CreateSchedule on Deferred/*"];
/** What the workers of a fan-out share: followers and their marks, and the job they work for. */
const telling = [
  ...work,
  ...follower,
  "dynamodb:BatchGetItem on Followers",
  "dynamodb:Query on Followers",
  ...defer,
];
const notifying = [...telling, "dynamodb:DeleteItem on Followers", "dynamodb:UpdateItem on Pacing"];
const ofIntegrations = ", of integrations";
const ofLongPolls = ", of lease#long-poll#*";
const deadLetterQueues = ["dead-letters", "missed-runs", "undelivered"].map(
  (end) => `arn:AWS::Partition:sqs:AWS::Region:AWS::AccountId:pennyline-local-*-${end}`,
);
const anyQueue = "arn:AWS::Partition:sqs:AWS::Region:AWS::AccountId:pennyline-local-*";
const allowed: Record<string, string[]> = {
  "redrive-dead-letters": [
    "dynamodb:BatchGetItem on DeadLetters",
    "dynamodb:GetItem on DeadLetters",
    "dynamodb:PutItem on DeadLetters",
    "dynamodb:UpdateItem on DeadLetters",
    "dynamodb:GetItem on Jobs",
    "dynamodb:PutItem on Jobs",
    "events:PutEvents on Bus",
    `sqs:GetQueueUrl on ${anyQueue}`,
    `sqs:SendMessage on ${anyQueue}`,
    ...consume("RedriveDeadLettersQueue"),
  ],
  // Metrics are no resources, and of composite alarms only who may read all alarms is told.
  "read-alarms": ["cloudwatch:DescribeAlarms on *"],
  "read-queues": [
    "cloudwatch:GetMetricData on *",
    "dynamodb:GetItem on DeadLetters",
    pressure,
    "dynamodb:Query on DeadLetters/index/state",
    `sqs:GetQueueAttributes on ${anyQueue}`,
    `sqs:GetQueueUrl on ${anyQueue}`,
  ],
  "read-dead-letters": [
    "dynamodb:BatchGetItem on DeadLetters",
    "dynamodb:GetItem on DeadLetters",
    "dynamodb:Query on DeadLetters",
    "dynamodb:Query on DeadLetters/index/state",
  ],
  "change-dead-letters": [
    "dynamodb:BatchGetItem on DeadLetters",
    "dynamodb:GetItem on DeadLetters",
    "dynamodb:PutItem on DeadLetters",
    "dynamodb:UpdateItem on DeadLetters",
    "dynamodb:Query on DeadLetters/index/state",
    "events:PutEvents on Bus",
    ...idempotency,
  ],
  "archive-dead-letters": [
    "dynamodb:BatchGetItem on DeadLetters",
    "dynamodb:GetItem on Jobs",
    "dynamodb:GetItem on DeadLetters",
    "dynamodb:PutItem on DeadLetters",
    "dynamodb:UpdateItem on DeadLetters",
    "dynamodb:Query on DeadLetters/index/state",
    ...deadLetterQueues.flatMap((queue) => [
      `sqs:DeleteMessage on ${queue}`,
      `sqs:GetQueueUrl on ${queue}`,
      `sqs:ReceiveMessage on ${queue}`,
    ]),
  ],
  "put-follower": [...follower, ...idempotency],
  "delete-follower": [
    "dynamodb:DeleteItem on Followers",
    "dynamodb:GetItem on Followers",
    "dynamodb:UpdateItem on Followers",
    ...idempotency,
  ],
  "read-followers": ["dynamodb:BatchGetItem on Followers", "dynamodb:Query on Followers"],
  "read-inbox": ["dynamodb:Query on Followers"],
  "publish-article": [...requestingJobs, "dynamodb:BatchGetItem on Registry"],
  unsubscribe: [
    ...follower,
    "dynamodb:BatchGetItem on Registry",
    "secretsmanager:GetSecretValue on LinkSecret",
  ],
  "read-web-push-key": ["secretsmanager:GetSecretValue on WebPushSecret"],
  "run-notification-fanout": [
    ...work,
    "dynamodb:BatchGetItem on Followers",
    "dynamodb:BatchGetItem on Registry",
    "dynamodb:GetItem on Followers",
    "dynamodb:PutItem on Followers",
    ...consume("RunNotificationFanoutQueue"),
  ],
  "fan-out-chunk": [...telling, ...consume("FanOutChunkQueue")],
  "notify-by-email": [
    ...notifying,
    "secretsmanager:GetSecretValue on LinkSecret",
    `ses:SendEmail on ${ses}:configuration-set/pennyline-local-mail`,
    `ses:SendEmail on ${ses}:identity/pennyline.example`,
    ...consume("NotifyByEmailQueue"),
  ],
  "notify-by-push": [
    ...notifying,
    "secretsmanager:GetSecretValue on WebPushSecret",
    ...consume("NotifyByPushQueue"),
  ],
  "record-mail-reports": [
    ...follower,
    "dynamodb:BatchGetItem on Followers",
    ...consume("RecordMailReportsQueue"),
  ],
  "create-deliveries": [
    "dynamodb:GetItem on Jobs",
    "dynamodb:DeleteItem on Webhooks",
    "dynamodb:GetItem on Webhooks",
    "dynamodb:PutItem on Webhooks",
    "dynamodb:Query on Webhooks",
    "events:PutEvents on Bus",
    ...consume("CreateDeliveriesQueue"),
  ],
  "create-webhook-endpoint": [
    "dynamodb:GetItem on Webhooks",
    "dynamodb:PutItem on Webhooks",
    "dynamodb:Query on Webhooks",
    ...idempotency,
    "secretsmanager:GetSecretValue on WebhookSecret",
  ],
  "delete-webhook-endpoint": ["dynamodb:DeleteItem on Webhooks"],
  "deliver-webhook": [
    "dynamodb:DeleteItem on Webhooks",
    "dynamodb:GetItem on Webhooks",
    "dynamodb:PutItem on Webhooks",
    "dynamodb:Query on Webhooks",
    "dynamodb:UpdateItem on Pacing",
    "events:PutEvents on Bus",
    "secretsmanager:GetSecretValue on WebhookSecret",
    ...consume("DeliverWebhookQueue"),
    ...defer,
  ],
  "put-webhook-endpoint": [
    "dynamodb:GetItem on Webhooks",
    "dynamodb:PutItem on Webhooks",
    ...idempotency,
  ],
  "read-webhook-deliveries": ["dynamodb:GetItem on Webhooks", "dynamodb:Query on Webhooks"],
  "read-webhook-endpoints": ["dynamodb:GetItem on Webhooks", "dynamodb:Query on Webhooks"],
  "request-job": [
    ...requestingJobs,
    "dynamodb:BatchGetItem on Registry",
    "dynamodb:GetItem on Drafts",
    `dynamodb:GetItem on Registry${ofIntegrations}`,
    "dynamodb:PutItem on Drafts",
    "s3:GetObject on Files/uploads/*",
    "s3:PutObject on Files/drafts/*",
  ],
  "request-upload": [...idempotency, "s3:PutObject on Files/uploads/*"],
  "list-jobs": ["dynamodb:BatchGetItem on Jobs", "dynamodb:Query on Jobs/index/owner"],
  "read-job": [
    "dynamodb:GetItem on Jobs",
    `dynamodb:GetItem on Pacing${ofLongPolls}`,
    `dynamodb:PutItem on Pacing${ofLongPolls}`,
    "s3:GetObject on Files/exports/*",
    "s3:GetObject on Files/images/*",
    "s3:GetObject on Files/statements/*",
  ],
  "cancel-job": work,
  "resend-webhooks": [
    pressure,
    "dynamodb:GetItem on Webhooks",
    "dynamodb:PutItem on Webhooks",
    ...idempotency,
    "events:PutEvents on Bus",
  ],
  "tend-jobs": [...work, "dynamodb:BatchGetItem on Jobs", "dynamodb:Query on Jobs/index/attention"],
  "watch-backlogs": [
    pressure,
    "cloudwatch:GetMetricData on *",
    "dynamodb:PutItem on Pacing, of pressure",
    `sqs:GetQueueAttributes on ${anyQueue}`,
    `sqs:GetQueueUrl on ${anyQueue}`,
  ],
  "run-integration-sync": [
    ...work,
    "dynamodb:GetItem on Pacing",
    "dynamodb:PutItem on Pacing",
    "dynamodb:UpdateItem on Pacing",
    `dynamodb:GetItem on Registry${ofIntegrations}`,
    "secretsmanager:GetSecretValue on WebhookSecret",
    ...defer,
    ...consume("RunIntegrationSyncQueue"),
  ],
  "run-draft-save": [
    ...work,
    "dynamodb:GetItem on Drafts",
    "dynamodb:PutItem on Drafts",
    "s3:GetObject on Files/drafts/*",
    ...consume("RunDraftSaveQueue"),
  ],
  "run-image-process": [
    ...work,
    "s3:GetObject on Files/uploads/*",
    "s3:PutObject on Files/images/*",
    ...consume("RunImageProcessQueue"),
  ],
  "run-statement-render": [
    ...work,
    "dynamodb:GetItem on Ledger",
    "dynamodb:Query on Ledger",
    "dynamodb:BatchGetItem on Registry",
    "s3:PutObject on Files/statements/*",
    ...consume("RunStatementRenderQueue"),
  ],
  "run-export-engagements": [
    ...work,
    "dynamodb:Query on EarningsCounters",
    "dynamodb:Scan on ImpressionKeys",
    "s3:PutObject on Files/exports/*",
    ...consume("RunExportEngagementsQueue"),
  ],
  "read-drafts": [
    "dynamodb:GetItem on Drafts",
    "dynamodb:Query on Drafts",
    "s3:GetObject on Files/drafts/*",
  ],

  "accept-engagements": [
    pressure,
    "dynamodb:BatchGetItem on Registry",
    "events:PutEvents on Bus",
    "secretsmanager:GetSecretValue on ViewTokenSecret",
  ],
  "accept-publisher-engagements": [
    pressure,
    "dynamodb:BatchGetItem on Registry",
    "events:PutEvents on Bus",
  ],
  "apply-review": [
    "dynamodb:BatchGetItem on EarningsCounters",
    "dynamodb:BatchGetItem on ImpressionKeys",
    "dynamodb:GetItem on Registry",
    "dynamodb:Query on ImpressionKeys",
    "dynamodb:Scan on ImpressionKeys",
    "dynamodb:UpdateItem on EarningsCounters",
    "dynamodb:UpdateItem on ImpressionKeys",
    "dynamodb:UpdateItem on Registry, of reviews#*",
    "events:PutEvents on Bus",
    ...consume("ApplyReviewQueue"),
  ],
  "audit-money": [
    "dynamodb:BatchGetItem on EarningsCounters",
    "dynamodb:GetItem on Ledger",
    "dynamodb:PutItem on Registry, of summaries",
    "dynamodb:Query on EarningsCounters",
    "dynamodb:Query on Ledger",
    "dynamodb:Scan on EarningsCounters",
    "dynamodb:Scan on Ledger",
  ],
  "run-canary": [
    "dynamodb:BatchGetItem on EarningsCounters",
    "dynamodb:BatchGetItem on Registry, of article#pennyline-canary",
    "dynamodb:GetItem on Pacing",
    "dynamodb:PutItem on Pacing",
    "dynamodb:PutItem on Registry, of article#pennyline-canary",
    "dynamodb:Query on EarningsCounters/index/due",
    "dynamodb:Query on ImpressionKeys",
    "secretsmanager:GetSecretValue on ViewTokenSecret",
  ],
  "authorize-connection": ["secretsmanager:GetSecretValue on LinkSecret"],
  "close-connection": ["dynamodb:DeleteItem on Connections", "dynamodb:Query on Connections"],
  "count-engagements": [
    "dynamodb:BatchGetItem on EarningsCounters",
    "dynamodb:BatchGetItem on ImpressionKeys",
    "dynamodb:BatchGetItem on Registry",
    "dynamodb:PutItem on ImpressionKeys",
    "dynamodb:Query on ImpressionKeys",
    "dynamodb:Query on Registry",
    "dynamodb:UpdateItem on EarningsCounters",
    "dynamodb:UpdateItem on ImpressionKeys",
    "dynamodb:UpdateItem on Registry, of reviews#*",
    ...consume("CountEngagementsQueue"),
  ],
  "delete-integration": [
    `dynamodb:DeleteItem on Registry${ofIntegrations}`,
    `dynamodb:GetItem on Registry${ofIntegrations}`,
  ],
  "put-integration": [
    `dynamodb:GetItem on Registry${ofIntegrations}`,
    `dynamodb:PutItem on Registry${ofIntegrations}`,
    "secretsmanager:GetSecretValue on WebhookSecret",
    ...idempotency,
  ],
  "read-integrations": [
    "dynamodb:GetItem on Pacing",
    "dynamodb:Query on Pacing",
    `dynamodb:GetItem on Registry${ofIntegrations}`,
    `dynamodb:Query on Registry${ofIntegrations}`,
  ],
  "rotate-integration-secret": [
    `dynamodb:GetItem on Registry${ofIntegrations}`,
    `dynamodb:PutItem on Registry${ofIntegrations}`,
    "secretsmanager:GetSecretValue on WebhookSecret",
    ...idempotency,
  ],
  "test-integration": [
    "dynamodb:UpdateItem on Pacing",
    `dynamodb:GetItem on Registry${ofIntegrations}`,
    "secretsmanager:GetSecretValue on WebhookSecret",
  ],
  "dry-run-rate-card": [
    "dynamodb:BatchGetItem on Registry",
    "dynamodb:Query on EarningsCounters",
    "dynamodb:Scan on EarningsCounters",
  ],
  "follow-topic": [
    ...balances,
    "dynamodb:UpdateItem on Pacing, of limit#callers#*",
    "dynamodb:DeleteItem on Connections",
    "dynamodb:GetItem on Jobs",
    "dynamodb:PutItem on Connections",
    "dynamodb:Query on Connections",
  ],
  "issue-connection-ticket": ["secretsmanager:GetSecretValue on LinkSecret"],
  "issue-view-token": [
    "dynamodb:BatchGetItem on Registry",
    ...idempotency,
    "secretsmanager:GetSecretValue on ViewTokenSecret",
  ],
  "open-connection": ["dynamodb:PutItem on Connections"],
  "post-appeal": ["dynamodb:GetItem on Registry", "dynamodb:PutItem on Registry", ...idempotency],
  "price-pools": [
    "dynamodb:BatchGetItem on EarningsCounters",
    "dynamodb:BatchGetItem on Registry",
    "dynamodb:GetItem on Registry, of pools#*",
    "dynamodb:PutItem on Registry, of pools#*",
    "dynamodb:Query on EarningsCounters/index/due",
    "dynamodb:Query on Registry",
    "dynamodb:UpdateItem on EarningsCounters",
    "dynamodb:UpdateItem on Registry, of pools#*",
  ],
  "prove-money": [
    "dynamodb:BatchGetItem on EarningsCounters",
    "dynamodb:GetItem on Ledger",
    "dynamodb:PutItem on Registry, of summaries",
    "dynamodb:Query on EarningsCounters",
    "dynamodb:Query on Ledger",
    "dynamodb:Scan on EarningsCounters",
    "dynamodb:Scan on Ledger",
  ],
  "push-updates": [
    ...balances,
    "dynamodb:DeleteItem on Connections",
    "dynamodb:GetItem on Jobs",
    "dynamodb:Query on Connections",
    ...["DELETE", "POST"].map(
      (method) =>
        `execute-api:ManageConnections on arn:AWS::Partition:execute-api:AWS::Region:AWS::AccountId:Sockets/live/${method}/@connections/*`,
    ),
    ...consume("PushUpdatesQueue"),
  ],
  "put-article": [
    "dynamodb:BatchGetItem on Registry",
    "dynamodb:PutItem on Registry",
    ...idempotency,
  ],
  "put-article-group": [
    "dynamodb:PutItem on Registry",
    "dynamodb:Query on Registry",
    ...idempotency,
  ],
  "put-creator": [
    "dynamodb:BatchGetItem on Registry",
    "dynamodb:PutItem on Registry",
    "dynamodb:GetItem on Ledger",
    ...idempotency,
  ],
  "put-rate-card": [
    "dynamodb:BatchGetItem on Registry",
    "dynamodb:PutItem on Registry",
    "dynamodb:Query on Registry",
    ...idempotency,
  ],
  "read-appeals": ["dynamodb:Query on Registry"],
  "read-invalid-traffic": ["dynamodb:BatchGetItem on EarningsCounters"],
  "read-reviews": ["dynamodb:GetItem on Registry", "dynamodb:Query on Registry"],
  "release-holds": [
    "dynamodb:BatchGetItem on EarningsCounters",
    "dynamodb:Query on EarningsCounters/index/due",
    "dynamodb:UpdateItem on EarningsCounters",
  ],
  "request-review": [
    pressure,
    "dynamodb:GetItem on Registry",
    "dynamodb:PutItem on Registry",
    "dynamodb:Query on DeadLetters/index/state",
    "dynamodb:UpdateItem on Registry",
    "events:PutEvents on Bus",
    `sqs:GetQueueAttributes on ${anyQueue}`,
    `sqs:GetQueueUrl on ${anyQueue}`,
    ...idempotency,
  ],
  "read-article": ["dynamodb:BatchGetItem on Registry", "dynamodb:Query on Registry/index/current"],
  "read-article-groups": ["dynamodb:Query on Registry"],
  "read-balance": balances,
  "read-earnings": ["dynamodb:Query on EarningsCounters"],
  "read-creator": ["dynamodb:BatchGetItem on Registry", "dynamodb:Query on Registry/index/current"],
  "read-earnings-summary": [
    "dynamodb:BatchGetItem on Registry",
    "dynamodb:GetItem on Registry, of summaries",
  ],
  "read-health": ["dynamodb:Query on Registry"],
  "read-ledger": ["dynamodb:Query on Ledger"],
  "read-rate-cards": ["dynamodb:BatchGetItem on Registry", "dynamodb:Query on Registry"],
  "export-payouts": [
    "dynamodb:BatchGetItem on Registry",
    `dynamodb:Query on Ledger${ofPayoutLists}`,
  ],
  "pay-creators": [...booking, "events:PutEvents on Bus", ...consume("PayCreatorsQueue")],
  "post-adjustment": [...booking, ...idempotency],
  "read-ledger-entry": [
    "dynamodb:BatchGetItem on Registry",
    "dynamodb:GetItem on Ledger",
    "dynamodb:Query on EarningsCounters",
    "dynamodb:Query on Ledger",
    "dynamodb:Query on Registry",
  ],
  "read-payouts": ["dynamodb:Query on Ledger", "dynamodb:Query on Ledger/index/payouts"],
  "read-trace": [
    "dynamodb:GetItem on Jobs",
    "dynamodb:GetItem on Ledger",
    "dynamodb:Query on Traces",
  ],
  "read-statement": ["dynamodb:GetItem on Ledger"],
  "record-payout-result": [
    ...booking,
    `dynamodb:DeleteItem on Ledger${ofPayoutLists}`,
    ...idempotency,
  ],
  "request-payout": [...booking, "events:PutEvents on Bus", ...idempotency],
  "reverse-entry": [...booking, "dynamodb:Query on Ledger", ...idempotency],
  "rotate-callback-secret": rotatingSecrets,
  "rotate-webhook-secret": rotatingSecrets,
  "run-payouts": [
    "dynamodb:Query on Ledger/index/accounts",
    ...["GetItem", "PutItem", "Query", "UpdateItem"].map(
      (action) => `dynamodb:${action} on Ledger${ofPayoutLists}`,
    ),
    "events:PutEvents on Bus",
  ],
  "settle-creator": [
    "dynamodb:BatchGetItem on EarningsCounters",
    "dynamodb:GetItem on Ledger",
    "dynamodb:PutItem on Ledger",
    "dynamodb:Query on EarningsCounters/index/due",
    "dynamodb:UpdateItem on EarningsCounters",
    "dynamodb:UpdateItem on Ledger",
    "events:PutEvents on Bus",
    ...consume("SettleCreatorQueue"),
  ],
  "settle-earnings": ["dynamodb:Query on EarningsCounters/index/due", "events:PutEvents on Bus"],
  "test-webhook-endpoint": [
    pressure,
    "dynamodb:GetItem on Webhooks",
    ...idempotency,
    "events:PutEvents on Bus",
  ],
};

let templates: Templates;
let functions: ReadonlyMap<string, Properties>;

beforeAll(() => {
  templates = synthesize("local");
  functions = new Map(
    resourcesOf(templates.all, "AWS::Lambda::Function").map(({ properties }) => [
      shortName(properties.FunctionName),
      properties,
    ]),
  );
});
afterAll(removeSynthesized);

test("every folder in lambdas/ is deployed, and nothing else", () => {
  expect([...functions.keys()].sort()).toEqual(readdirSync(join(root, "lambdas")).sort());
});

describe.each(Object.keys(allowed))("%s", (name) => {
  const properties = () => functions.get(name) ?? expect.unreachable(`${name} is not deployed`);

  test("runs on the Node that npm scripts run on, on arm64, traced, with logs that end", () => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const major = devDependencies.node.split(".")[0];
    expect(properties()).toMatchObject({
      Runtime: `nodejs${major}.x`,
      Architectures: ["arm64"],
      TracingConfig: { Mode: "Active" },
      LoggingConfig: { LogFormat: "JSON" },
      Handler: "handler.handler",
    });
    const logGroup = properties().LoggingConfig.LogGroup.Ref;
    const logs = resourcesOf(templates.all, "AWS::Logs::LogGroup");
    expect(logs.find(({ id }) => id === logGroup)?.properties.RetentionInDays).toBe(1);
  });

  test("may do what it needs and nothing else", () => {
    const expected = [
      ...(allowed[name] ?? []),
      ...ownLimits(name),
      ...ownLogsAndTraces(properties()),
    ];
    expect(permissionsOf(properties().Role)).toEqual(expected.sort());
  });

  test("has no secret in its environment", () => {
    const variables: Properties = properties().Environment.Variables;
    for (const [variable, value] of Object.entries(variables)) {
      expect(JSON.stringify(value)).not.toContain("{{resolve:");
      if (/SECRET|TOKEN|PASSWORD|KEY/.test(variable)) expect(variable).toMatch(/_(ARN|TABLE)$/);
    }
    expect(variables).toMatchObject({ PUBLISHER_ID: "pennyline", CURRENCY: "USD" });
    expect(variables).toMatchObject({ TRACE_PER_MILLION: "10000", TRACE_RETENTION_DAYS: "14" });
  });
});

test("B1: every route that puts work on a queue says which, and may look whether there is room", () => {
  const operations = [...new Set(routes.map(({ operation }) => operation))];
  const may = (name: string, what: string) => (allowed[name] ?? []).includes(what);
  const putting = operations.filter((name) => may(name, "events:PutEvents on Bus"));
  expect(putting.sort()).toEqual(Object.keys(workAskedFor).sort());
  for (const [name, kinds] of Object.entries(workAskedFor)) {
    expect(may(name, pressure), name).toBe(kinds.length > 0);
  }
  const asked = new Set<string>(Object.values(workAskedFor).flat());
  expect([...asked].sort()).toEqual([...workKinds].sort());
});

test("no policy of the application allows every action", () => {
  const documents = [
    ...resourcesOf(templates.all, "AWS::IAM::Policy").map((one) => one.properties),
    ...resourcesOf(templates.all, "AWS::IAM::Role").flatMap((one) => one.properties.Policies ?? []),
  ].map((policy) => policy.PolicyDocument);
  const actions = documents.flatMap(statementsOf).flatMap((one) => listOf(one.Action));
  expect(actions.length).toBeGreaterThan(0);
  expect(actions.filter((action) => action.includes("*"))).toEqual([]);
});

test("no role borrows a policy that AWS manages", () => {
  const roles = resourcesOf(templates.all, "AWS::IAM::Role");
  expect(roles.filter(({ properties }) => properties.ManagedPolicyArns)).toEqual([]);
});

test("no secret is in a template: the view-token key is generated where it lives", () => {
  const [secret] = resourcesOf(templates.all, "AWS::SecretsManager::Secret");
  expect(secret?.properties).not.toHaveProperty("SecretString");
  expect(secret?.properties.GenerateSecretString).toMatchObject({
    SecretStringTemplate: '{"current":"k1"}',
    GenerateStringKey: "k1",
    PasswordLength: 64,
  });
  expect(JSON.stringify(templates.all.map((one) => one.toJSON()))).not.toContain("{{resolve:");
});

/** "Files/images/*", "Deferred/*": what is granted by its name in AWS. */
const shortArn = (arn: string) =>
  arn.replace(/^.*:pennyline-local-files[^/]*/, "Files").replace(/^.*:schedule\/[^/]*/, "Deferred");

/** Functions of the API limit their callers, but for the one that says whether all is well. */
function ownLimits(name: string): string[] {
  const [route] = routes.filter(({ operation }) => operation === name);
  if (!route || name === "read-health") return [];
  return [
    "dynamodb:UpdateItem on Pacing, of limit#callers#*",
    // Those who do not say who they are are limited by a keyed hash of their address.
    ...(route.allow.length === 0 ? ["secretsmanager:GetSecretValue on LimitSecret"] : []),
  ];
}

function ownLogsAndTraces(properties: Properties): string[] {
  const logs = reader(templates.all)(properties.LoggingConfig.LogGroup);
  return [
    `logs:CreateLogStream on ${logs}`,
    `logs:PutLogEvents on ${logs}`,
    "dynamodb:BatchWriteItem on Traces",
    "xray:PutTelemetryRecords on *",
    "xray:PutTraceSegments on *",
  ];
}

/** "action on resource", sorted, of a function's role: its own policies and those attached. */
function permissionsOf(role: Properties): string[] {
  const read = reader(templates.all);
  const roleId: string = role["Fn::GetAtt"][0];
  const own = resourcesOf(templates.all, "AWS::IAM::Role").find(({ id }) => id === roleId);
  const attached = resourcesOf(templates.all, "AWS::IAM::Policy").filter(({ properties }) =>
    properties.Roles.some((one: Properties) => one.Ref === roleId),
  );
  const documents = [
    ...(own?.properties.Policies ?? []),
    ...attached.map(({ properties }) => properties),
  ].map((policy) => policy.PolicyDocument);
  const permissions = documents.flatMap(statementsOf).flatMap((statement) => {
    expect(statement.Effect).toBe("Allow");
    const resources = [statement.Resource].flat().map((one) => shortArn(read(one)));
    const keys = statement.Condition?.["ForAllValues:StringLike"]?.["dynamodb:LeadingKeys"];
    const only = keys === undefined ? "" : `, of ${keys.join(", ")}`;
    return listOf(statement.Action).flatMap((action) =>
      resources.map((resource) => `${action} on ${resource}${only}`),
    );
  });
  return permissions.sort();
}
