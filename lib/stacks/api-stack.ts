import { Annotations, CfnOutput, Duration, Stack, Validations } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
  type CfnStage,
  CorsHttpMethod,
  HttpApi,
  type HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpJwtAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { MathExpression, type Metric } from "aws-cdk-lib/aws-cloudwatch";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { workAskedFor } from "../../core/contracts/queued-work.ts";
import { type Operation, type Route, routes } from "../../core/contracts/routes.ts";
import { GradualReleases } from "../constructs/gradual-releases.ts";
import { PennylineFunction } from "../constructs/pennyline-function.ts";
import { RunbookAlarm } from "../constructs/runbook-alarm.ts";
import type { Needs } from "../needs.ts";
import { nameIn, type Platform, pascalCase, removalOf } from "../platform.ts";

/** Articles are read by key, in batches; rate cards are the items of one partition. */
const articles = { registry: ["BatchGetItem"] } as const;
const rateCards = { registry: ["Query"] } as const;
const idempotency = ["GetItem", "PutItem", "UpdateItem", "DeleteItem"] as const;
/** Entries are immutable: nothing may delete one. */
const booking = ["GetItem", "PutItem", "UpdateItem"] as const;
/** To accept a job, whatever its type; the secret is there or not, and never read. */
const requestingJobs = {
  tables: { jobs: ["GetItem", "PutItem"], webhooks: ["GetItem"] },
  putEvents: true,
  jobRules: true,
  outbound: true,
} as const satisfies Needs;

/** A follower is written together with the counts. */
const follower = ["GetItem", "PutItem", "UpdateItem"] as const;

const needsOf: Record<Operation, Needs> = {
  "read-health": { tables: rateCards },
  "accept-engagements": { tables: articles, putEvents: true, viewTokenSecret: true },
  "accept-publisher-engagements": { tables: articles, putEvents: true },
  "issue-view-token": { tables: { ...articles, idempotency }, viewTokenSecret: true },
  "put-article": { tables: { registry: ["BatchGetItem", "PutItem"], idempotency } },
  "put-creator": {
    // Whether a payout waits for the payee that is to be removed.
    tables: { registry: ["BatchGetItem", "PutItem"], ledger: ["GetItem"], idempotency },
  },
  "put-article-group": { tables: { registry: ["Query", "PutItem"], idempotency } },
  "put-rate-card": { tables: { registry: ["BatchGetItem", "Query", "PutItem"], idempotency } },
  "read-article": { tables: articles, currentIndex: ["Query"] },
  "read-creator": { tables: { registry: ["BatchGetItem"] }, currentIndex: ["Query"] },
  "read-article-groups": { tables: { registry: ["Query"] } },
  "read-rate-cards": { tables: { registry: ["BatchGetItem", "Query"] } },
  "dry-run-rate-card": {
    tables: { earningsCounters: ["Query", "Scan"], registry: ["BatchGetItem"] },
  },
  "read-balance": {
    tables: { earningsCounters: ["GetItem"], ledger: ["GetItem"] },
    dueIndex: ["Query"],
  },
  "read-earnings": { tables: { earningsCounters: ["Query"] } },
  "read-earnings-summary": { tables: { registry: ["BatchGetItem"] }, summaries: ["GetItem"] },
  "read-ledger": { tables: { ledger: ["Query"] } },
  "read-ledger-entry": {
    tables: {
      earningsCounters: ["Query"],
      ledger: ["GetItem", "Query"],
      registry: ["BatchGetItem", "Query"],
    },
  },
  "read-statement": { tables: { ledger: ["GetItem"] } },
  "post-adjustment": { tables: { ledger: booking, idempotency } },
  "reverse-entry": { tables: { ledger: [...booking, "Query"], idempotency } },
  "request-payout": {
    tables: { ledger: booking, idempotency },
    putEvents: true,
    payoutRules: true,
  },
  "read-payouts": { tables: { ledger: ["Query"] }, payoutIndex: ["Query"] },
  "export-payouts": {
    tables: { registry: ["BatchGetItem"] },
    payoutLists: ["Query"],
    payoutFile: true,
  },
  "record-payout-result": {
    tables: { ledger: booking, idempotency },
    payoutLists: ["DeleteItem"],
  },
  "post-appeal": { tables: { registry: ["GetItem", "PutItem"], idempotency } },
  "read-appeals": { tables: { registry: ["Query"] } },
  "request-review": {
    // It only adds reviews, and answers to appeals.
    tables: { registry: ["GetItem", "PutItem", "UpdateItem"], idempotency },
    putEvents: true,
    dedupeTtl: true,
    // It says how much was not recorded yet.
    queueDepths: true,
    deadLetterIndex: ["Query"],
  },
  "put-integration": {
    integrations: ["GetItem", "PutItem"],
    tables: { idempotency },
    webhookSecret: true,
    outbound: true,
  },
  "read-integrations": {
    integrations: ["GetItem", "Query"],
    tables: { pacing: ["GetItem", "Query"] },
  },
  "delete-integration": { integrations: ["GetItem", "DeleteItem"] },
  "rotate-integration-secret": {
    integrations: ["GetItem", "PutItem"],
    tables: { idempotency },
    webhookSecret: true,
  },
  "test-integration": {
    integrations: ["GetItem"],
    tables: { pacing: ["UpdateItem"] },
    webhookSecret: true,
    outbound: true,
  },
  "read-reviews": { tables: { registry: ["GetItem", "Query"] } },
  "read-invalid-traffic": { tables: { earningsCounters: ["BatchGetItem"] } },
  "create-webhook-endpoint": {
    tables: { webhooks: ["Query", "GetItem", "PutItem"], idempotency },
    webhookSecret: true,
    outbound: true,
  },
  "read-webhook-endpoints": { tables: { webhooks: ["Query", "GetItem"] } },
  "put-webhook-endpoint": {
    tables: { webhooks: ["GetItem", "PutItem"], idempotency },
    outbound: true,
  },
  "delete-webhook-endpoint": { tables: { webhooks: ["DeleteItem"] } },
  "test-webhook-endpoint": { tables: { webhooks: ["GetItem"], idempotency }, putEvents: true },
  "read-webhook-deliveries": { tables: { webhooks: ["Query", "GetItem"] } },
  "resend-webhooks": { tables: { webhooks: ["GetItem", "PutItem"], idempotency }, putEvents: true },
  "rotate-callback-secret": {
    tables: { webhooks: ["GetItem", "PutItem"], idempotency },
    webhookSecret: true,
  },
  "rotate-webhook-secret": {
    tables: { webhooks: ["GetItem", "PutItem"], idempotency },
    webhookSecret: true,
  },
  "request-job": {
    ...requestingJobs,
    tables: { ...requestingJobs.tables, ...articles, drafts: ["GetItem", "PutItem"] },
    integrations: ["GetItem"],
    // It looks whether an upload is there.
    files: { drafts: ["PutObject"], uploads: ["GetObject"] },
    dedupeTtl: true,
  },
  // The URL that it signs can do no more than it can.
  "request-upload": { tables: { idempotency }, files: { uploads: ["PutObject"] } },
  "list-jobs": { tables: { jobs: ["BatchGetItem"] }, jobOwnerIndex: ["Query"] },
  "read-job": {
    tables: { jobs: ["GetItem"] },
    longPolls: ["GetItem", "PutItem"],
    // Links that it signs can read what it can.
    files: { images: ["GetObject"], statements: ["GetObject"], exports: ["GetObject"] },
  },
  "cancel-job": { tables: { jobs: ["GetItem", "PutItem", "UpdateItem"] }, putEvents: true },
  "read-drafts": {
    tables: { drafts: ["GetItem", "Query"] },
    files: { drafts: ["GetObject"] },
  },
  "issue-connection-ticket": { linkSecret: true, connectionUrl: true },
  "put-follower": { tables: { followers: follower, idempotency }, outbound: true },
  "delete-follower": {
    tables: { followers: ["GetItem", "DeleteItem", "UpdateItem"], idempotency },
  },
  "read-followers": { tables: { followers: ["BatchGetItem", "Query"] } },
  "read-inbox": { tables: { followers: ["Query"] } },
  "publish-article": {
    ...requestingJobs,
    tables: { ...requestingJobs.tables, ...articles },
  },
  unsubscribe: { tables: { followers: follower, registry: ["BatchGetItem"] }, linkSecret: true },
  "read-web-push-key": { webPushSecret: true },
  "read-trace": { tables: { traces: ["Query"], jobs: ["GetItem"], ledger: ["GetItem"] } },
  "read-alarms": { monitoring: ["DescribeAlarms"] },
  "read-queues": {
    tables: { deadLetters: ["GetItem"] },
    deadLetterIndex: ["Query"],
    queueDepths: true,
    monitoring: ["GetMetricData"],
    pressure: ["GetItem"],
  },
  "read-dead-letters": {
    tables: { deadLetters: ["BatchGetItem", "GetItem", "Query"] },
    deadLetterIndex: ["Query"],
  },
  "change-dead-letters": {
    tables: {
      deadLetters: ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"],
      idempotency,
    },
    deadLetterIndex: ["Query"],
    deadLetterQueues: [],
    putEvents: true,
    dedupeTtl: true,
  },
  "prove-money": {
    tables: {
      earningsCounters: ["BatchGetItem", "Query", "Scan"],
      ledger: ["GetItem", "Query", "Scan"],
    },
    summaries: ["PutItem"],
    holdRules: true,
  },
};

/** Every caller is limited, by address where none says who it is; not who asks whether all is well. */
function limitNeedsOf(operation: Operation): Needs {
  if (operation === "read-health") return {};
  const isPublic = routes.some((one) => one.operation === operation && one.allow.length === 0);
  return { callerLimits: ["UpdateItem"], ...(isPublic && { limitSecret: true }) };
}

/** These read whole tables, or wait for a job, up to the 30 s after which API Gateway gives up. */
const timeouts: Partial<Record<Operation, Duration>> = {
  "prove-money": Duration.seconds(29),
  "dry-run-rate-card": Duration.seconds(29),
  "read-job": Duration.seconds(29),
};

/** The HTTP API: every route of the contract, each with its function, scopes and throttling. */
export class ApiStack extends Stack {
  readonly api: HttpApi;
  /** The functions and routes that are not about money. */
  readonly work: Stack;
  /** What lets requests in, once every route is there. */
  readonly stage: Stack;
  private readonly platform: Platform;
  private readonly releases: GradualReleases;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "api") });
    this.platform = platform;
    this.work = new Stack(scope, `${id}Work`, { stackName: nameIn(platform.settings, "api-work") });
    this.stage = new Stack(scope, `${id}Stage`, {
      stackName: nameIn(platform.settings, "api-stage"),
    });
    this.api = this.addApi();
    const { serverErrors } = this.addAlarms();
    this.releases = new GradualReleases(this, "Releases", { platform, alarms: [serverErrors] });
    this.addStage(this.addRoutes());
    new CfnOutput(this, "ApiUrl", { value: this.api.apiEndpoint });
  }

  private addApi(): HttpApi {
    const { allowedOrigins } = this.platform.settings;
    return new HttpApi(this, "Api", {
      apiName: nameIn(this.platform.settings),
      createDefaultStage: false,
      ...(allowedOrigins.length > 0 && {
        corsPreflight: {
          allowOrigins: allowedOrigins,
          allowMethods: [
            CorsHttpMethod.GET,
            CorsHttpMethod.POST,
            CorsHttpMethod.PUT,
            CorsHttpMethod.PATCH,
            CorsHttpMethod.DELETE,
          ],
          allowHeaders: [
            "authorization",
            "content-type",
            "idempotency-key",
            "if-none-match",
            "traceparent",
          ],
          exposeHeaders: [
            ...["etag", "location", "retry-after", "traceparent"],
            "pennyline-wait-refused",
            ...["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy"],
          ],
          maxAge: Duration.hours(1),
        },
      }),
    });
  }

  private addRoutes(): HttpRoute[] {
    const { issuer, audience } = this.platform.settings;
    if (URL.parse(issuer)?.hostname.endsWith(".example.com")) {
      Annotations.of(this).addWarningV2(
        "pennyline:issuer",
        `The issuer ${issuer} is a placeholder, and API Gateway will refuse it: ` +
          "deploy with -c issuer=https://... -c audience=...",
      );
    }
    const authorizer = new HttpJwtAuthorizer("Jwt", issuer, { jwtAudience: [audience] });
    const integrations = new Map<Operation, HttpLambdaIntegration>();
    return routes.map((route) => {
      const { operation, method, path, allow } = route;
      const integration = integrations.get(operation) ?? this.integrationOf(operation);
      integrations.set(operation, integration);
      const isPublic = allow.length === 0;
      const added = new HttpRoute(this.stackOf(operation), `${method}${path}`, {
        httpApi: this.api,
        routeKey: HttpRouteKey.with(path, method as HttpMethod),
        integration,
        ...(!isPublic && { authorizer, authorizationScopes: [...allow] }),
      });
      if (isPublic) acknowledgePublic(added);
      return added;
    });
  }

  private stackOf(operation: Operation): Stack {
    // Releases and what they release must lie together.
    if (releasedGradually.includes(operation)) return this;
    const path = routes.find((route) => route.operation === operation)?.path ?? "";
    return aboutMoney.test(path) ? this : this.work;
  }

  private integrationOf(operation: Operation): HttpLambdaIntegration {
    const answering = new PennylineFunction(this.stackOf(operation), pascalCase(operation), {
      platform: this.platform,
      name: operation,
      needs: {
        ...needsOf[operation],
        ...(mayBeRefused(operation) && { pressure: ["GetItem"] }),
        ...limitNeedsOf(operation),
      },
      timeout: timeouts[operation] ?? Duration.seconds(20),
      memoryMb: 512,
    });
    const called = releasedGradually.includes(operation)
      ? this.releases.add(answering)
      : answering.function;
    return new HttpLambdaIntegration(`${pascalCase(operation)}Integration`, called);
  }

  private addStage(added: readonly HttpRoute[]): void {
    const { settings } = this.platform;
    const accessLogs = new LogGroup(this.stage, "AccessLogs", {
      logGroupName: `/aws/vendedlogs/${nameIn(settings, "api")}`,
      retention: settings.logRetentionDays,
      removalPolicy: removalOf(settings),
    });
    const stage = new HttpStage(this.stage, "Stage", {
      httpApi: this.api,
      stageName: "$default",
      autoDeploy: true,
      detailedMetricsEnabled: true,
      throttle: throttleOf(settings.throttling.scoped),
      accessLogSettings: {
        destination: new LogGroupLogDestination(accessLogs),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
    const template = stage.node.defaultChild as CfnStage;
    template.routeSettings = Object.fromEntries(
      routes.map((route) => {
        const { rateLimit, burstLimit } = throttleOf(settings.throttling[throttleClass(route)]);
        const key = `${route.method} ${route.path}`;
        return [key, { ThrottlingRateLimit: rateLimit, ThrottlingBurstLimit: burstLimit }];
      }),
    );
    // Settings of a route that is not there yet would fail the deployment.
    stage.node.addDependency(...added);
  }

  /** Of routes that must be quick; others may take long because a client asked them to wait. */
  acceptingLatencies(period: Duration): Metric[] {
    return accepting.map(({ method, path }) => {
      const dimensionsMap = { Method: method, Resource: path, Stage: "$default" };
      const latency = this.api.metricLatency({ period, statistic: "p99", label: path });
      const { ApiId = "" } = latency.dimensions as Record<string, string>;
      return latency.with({ dimensionsMap: { ApiId, ...dimensionsMap } });
    });
  }

  private acceptanceLatency(period: Duration): MathExpression {
    const latencies = this.acceptingLatencies(period);
    const metrics = Object.fromEntries(latencies.map((one, index) => [`route${index}`, one]));
    return new MathExpression({
      expression: `MAX([${Object.keys(metrics).join(", ")}])`,
      usingMetrics: metrics,
      label: "p99 of the slowest accepting route",
      period,
    });
  }

  private addAlarms() {
    const { platform, api } = this;
    const { apiServerErrors, apiLatencyP99Ms } = platform.settings.alarms;
    const period = Duration.minutes(5);
    const common = { platform, subject: "api" };
    const serverErrors = new RunbookAlarm(this, "ServerErrorsAlarm", {
      ...common,
      symptom: "server-errors",
      description: `The API answered 5xx ${apiServerErrors} times or more in 5 minutes.`,
      metric: api.metricServerError({ period }),
      threshold: apiServerErrors,
    });
    new RunbookAlarm(this, "LatencyAlarm", {
      ...common,
      symptom: "latency",
      description: `1 in 100 requests took ${apiLatencyP99Ms} ms or more to be accepted.`,
      metric: this.acceptanceLatency(period),
      threshold: apiLatencyP99Ms,
      evaluationPeriods: 3,
    });
    return { serverErrors };
  }
}

/** Whether there is room for what it asks for. */
function mayBeRefused(operation: Operation): boolean {
  const asked: Partial<Record<Operation, readonly string[]>> = workAskedFor;
  return (asked[operation]?.length ?? 0) > 0;
}

/**
 * CloudFormation takes 500 resources in a stack, and a route with its function is eight: those that
 * are not below these paths lie in a stack of their own.
 */
const aboutMoney =
  /^\/v1\/(?:health|engagements|view-tokens|articles|article-groups|creators|earnings|rate-cards|ledger|payouts)(?:\/|$)/;

/** Routes that must be quick, whatever happens behind them. */
const accepting = routes.filter(({ operation }) =>
  ["accept-engagements", "accept-publisher-engagements", "request-job"].includes(operation),
);

/** What they refuse is lost to whoever sent it: they get new code by and by. */
const releasedGradually: readonly Operation[] = [
  ...accepting.map(({ operation }) => operation),
  "issue-view-token",
];

/** No address, path or token: a log line must not say who read what. */
const accessLogFields = {
  requestId: "$context.requestId",
  requestTimeMs: "$context.requestTimeEpoch",
  routeKey: "$context.routeKey",
  status: "$context.status",
  responseBytes: "$context.responseLength",
  responseLatencyMs: "$context.responseLatency",
  integrationLatencyMs: "$context.integrationLatency",
  integrationError: "$context.integration.error",
  authorizerError: "$context.authorizer.error",
};

function throttleClass(route: Route): "public" | "scoped" | "admin" {
  if (route.allow.length === 0) return "public";
  return route.allow.every((role) => role === "admin") ? "admin" : "scoped";
}

function throttleOf(throttle: { ratePerSecond: number; burst: number }) {
  return { rateLimit: throttle.ratePerSecond, burstLimit: throttle.burst };
}

function acknowledgePublic(route: HttpRoute): void {
  Validations.of(route).acknowledge({
    id: "AwsSolutions-APIG4",
    reason:
      "Public by contract: health and the push key say nothing about anyone, an engagement proves " +
      "itself with the view token in its body, which sendBeacon could not put into a header, and " +
      "a link to unsubscribe with the token in it.",
  });
}
