import { Aws, Duration, Stack, Validations } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import { LogGroupLogDestination, WebSocketApi, WebSocketStage } from "aws-cdk-lib/aws-apigatewayv2";
import { WebSocketLambdaAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { WebSocketLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { environment } from "../../core/contracts/environment.ts";
import { balanceChanged, jobChanged } from "../../core/contracts/events.ts";
import { socketActions } from "../../core/contracts/socket-messages.ts";
import { PennylineFunction } from "../constructs/pennyline-function.ts";
import { WorkerQueue } from "../constructs/worker-queue.ts";
import { acknowledgeWildcard, type Needs } from "../needs.ts";
import { nameIn, type Platform, removalOf } from "../platform.ts";

const balances = {
  tables: { earningsCounters: ["GetItem"], ledger: ["GetItem"] },
  dueIndex: ["Query"],
} as const satisfies Needs;

/** The WebSocket API: clients follow jobs and balances, and are told when these change. */
export class ConnectionsStack extends Stack {
  readonly api: WebSocketApi;
  readonly pushUpdates: WorkerQueue;
  /** Where clients connect. */
  readonly url: string;
  private readonly platform: Platform;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "connections") });
    this.platform = platform;
    this.api = this.addApi();
    const stage = this.addStage();
    this.url = stage.url;
    this.pushUpdates = this.addPushUpdates(stage);
  }

  private addApi(): WebSocketApi {
    const authorizing = this.addFunction("AuthorizeConnection", "authorize-connection", {
      linkSecret: true,
    });
    const opening = this.addFunction("OpenConnection", "open-connection", {
      tables: { connections: ["PutItem"] },
    });
    const closing = this.addFunction("CloseConnection", "close-connection", {
      tables: { connections: ["DeleteItem", "Query"] },
    });
    const following = this.addFunction("FollowTopic", "follow-topic", {
      ...balances,
      tables: {
        ...balances.tables,
        connections: ["DeleteItem", "PutItem", "Query"],
        jobs: ["GetItem"],
      },
      callerLimits: ["UpdateItem"],
    });
    const integration = ({ function: lambda }: PennylineFunction) =>
      new WebSocketLambdaIntegration(`${lambda.node.path}Integration`, lambda);
    const answered = { integration: integration(following), returnResponse: true };
    const api = new WebSocketApi(this, "Sockets", {
      apiName: nameIn(this.platform.settings, "connections"),
      connectRouteOptions: {
        integration: integration(opening),
        authorizer: new WebSocketLambdaAuthorizer("Ticket", authorizing.function, {
          identitySource: ["route.request.querystring.ticket"],
        }),
      },
      disconnectRouteOptions: { integration: integration(closing) },
      defaultRouteOptions: answered,
    });
    for (const action of socketActions) api.addRoute(action, answered);
    Validations.of(api).acknowledge({
      id: "AwsSolutions-APIG4",
      reason: "Only $connect can be authorized; whoever sends more has passed it.",
    });
    return api;
  }

  private addFunction(id: string, name: string, needs: Needs): PennylineFunction {
    const { platform } = this;
    const timeout = Duration.seconds(20);
    const added = new PennylineFunction(this, id, {
      ...{ platform, name, needs, timeout, memoryMb: 512 },
    });
    added.alarmOnErrors({ runbook: "connections" });
    return added;
  }

  private addStage(): WebSocketStage {
    const { settings } = this.platform;
    const { ratePerSecond, burst } = settings.throttling.scoped;
    const accessLogs = new LogGroup(this, "AccessLogs", {
      logGroupName: `/aws/vendedlogs/${nameIn(settings, "connections")}`,
      retention: settings.logRetentionDays,
      removalPolicy: removalOf(settings),
    });
    return new WebSocketStage(this, "Stage", {
      webSocketApi: this.api,
      stageName: "live",
      autoDeploy: true,
      detailedMetricsEnabled: true,
      throttle: { rateLimit: ratePerSecond, burstLimit: burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(accessLogs),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
  }

  private addPushUpdates(stage: WebSocketStage): WorkerQueue {
    const pushing = new WorkerQueue(this, "PushUpdates", {
      platform: this.platform,
      name: "push-updates",
      event: [jobChanged, balanceChanged],
      batchSize: 10,
      // Clients are waiting.
      batchingWindow: Duration.seconds(0),
      timeout: Duration.seconds(30),
      needs: {
        ...balances,
        tables: {
          ...balances.tables,
          connections: ["DeleteItem", "Query"],
          jobs: ["GetItem"],
        },
      },
    });
    const { function: worker } = pushing.worker;
    worker.addEnvironment(environment.connectionsEndpoint, stage.callbackUrl);
    // It sends, and ends those that take nothing.
    for (const method of ["POST", "DELETE"]) {
      const resource = `${this.api.apiId}/${stage.stageName}/${method}/@connections/*`;
      const arn = `arn:${Aws.PARTITION}:execute-api:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
      const actions = ["execute-api:ManageConnections"];
      worker.addToRolePolicy(new PolicyStatement({ actions, resources: [arn] }));
      acknowledgeWildcard(pushing.worker, arn, "A connection has no name before it is there.");
    }
    return pushing;
  }
}

/** No address and no query string: the one says who, the other is a ticket. */
const accessLogFields = {
  requestId: "$context.requestId",
  requestTimeMs: "$context.requestTimeEpoch",
  connectionId: "$context.connectionId",
  eventType: "$context.eventType",
  routeKey: "$context.routeKey",
  status: "$context.status",
  integrationError: "$context.integration.error",
  authorizerError: "$context.authorizer.error",
};
