import { Duration, Validations } from "aws-cdk-lib";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import {
  type CfnRole,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  type CfnFunction,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { bundleOf } from "../bundling.ts";
import { environmentOf, grantNeeds, type Needs } from "../needs.ts";
import { nameIn, type Platform, removalOf } from "../platform.ts";
import { metricsNamespace } from "./printed-metric.ts";
import { type Concern, RunbookAlarm } from "./runbook-alarm.ts";

export interface PennylineFunctionProps {
  readonly platform: Platform;
  /** Its folder in `lambdas/`. */
  readonly name: string;
  readonly needs: Needs;
  readonly timeout: Duration;
  readonly memoryMb: number;
  /** What is at stake when it fails; default: somebody waits. */
  readonly concerns?: Concern;
  /** Set for functions invoked asynchronously: how often Lambda itself tries again. */
  readonly asyncRetries?: { readonly attempts: number; readonly maxAge: Duration };
}

/** A function with its bundle, log group, tracing, and a role that holds just what it needs. */
export class PennylineFunction extends Construct {
  readonly name: string;
  readonly function: LambdaFunction;
  private readonly platform: Platform;
  private readonly concerns: Concern | undefined;

  constructor(scope: Construct, id: string, props: PennylineFunctionProps) {
    super(scope, id);
    const { platform, name } = props;
    const { settings } = platform;
    this.name = name;
    this.platform = platform;
    this.concerns = props.concerns;

    const logGroup = new LogGroup(this, "Logs", {
      logGroupName: `/aws/lambda/${nameIn(settings, name)}`,
      retention: settings.logRetentionDays,
      removalPolicy: removalOf(settings),
    });
    const role = this.roleWritingTo(logGroup, platform.tables.traces);
    this.function = new LambdaFunction(this, "Function", {
      functionName: nameIn(settings, name),
      description: `Pennyline ${name}`,
      code: bundleOf(this, name, settings.stage === "local" ? "here" : "lambda"),
      handler: "handler.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: props.timeout,
      memorySize: props.memoryMb,
      loggingFormat: LoggingFormat.JSON,
      logGroup,
      role,
      environment: {
        ...environmentOf(props.needs, platform),
        NODE_OPTIONS: "--enable-source-maps",
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: metricsNamespace(settings),
      },
      ...(props.asyncRetries && {
        retryAttempts: props.asyncRetries.attempts,
        maxEventAge: props.asyncRetries.maxAge,
      }),
    });
    // Not `tracing: Tracing.ACTIVE`: it would put "Resource": "*" into the policy of the needs.
    const template = this.function.node.defaultChild as CfnFunction;
    template.tracingConfig = { mode: Tracing.ACTIVE };
    grantNeeds(props.needs, platform, role);
  }

  /** Rings when the function fails as a whole: it threw, timed out or ran out of memory. */
  alarmOnErrors({
    threshold = this.platform.settings.alarms.functionErrors,
    runbook = this.name,
  } = {}): RunbookAlarm {
    return new RunbookAlarm(this, "ErrorsAlarm", {
      platform: this.platform,
      subject: this.name,
      runbook,
      symptom: "errors",
      description: `${this.name} failed ${threshold} times or more in 5 minutes.`,
      metric: this.function.metricErrors({ period: Duration.minutes(5) }),
      threshold,
      ...this.atStake(),
    });
  }

  /** Rings when AWS had no room to run it, time and again. */
  alarmOnThrottles(): RunbookAlarm {
    const threshold = this.platform.settings.alarms.workerThrottles;
    return new RunbookAlarm(this, "ThrottlesAlarm", {
      platform: this.platform,
      subject: this.name,
      runbook: "worker",
      symptom: "throttles",
      description: `${this.name} could not be started ${threshold} times or more in 5 minutes.`,
      metric: this.function.metricThrottles({ period: Duration.minutes(5) }),
      threshold,
      ...this.atStake(),
    });
  }

  private atStake(): { concerns?: Concern } {
    return this.concerns ? { concerns: this.concerns } : {};
  }

  /** Not AWS' managed policy: that one may write to every log group of the account. */
  private roleWritingTo(logGroup: LogGroup, traces: Table): Role {
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      inlinePolicies: {
        Logs: allow(["logs:CreateLogStream", "logs:PutLogEvents"], logGroup.logGroupArn),
        Traces: allow(["dynamodb:BatchWriteItem"], traces.tableArn),
        Tracing: allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
      },
    });
    // On the role's own policies only: what a function needs is granted in another, still checked.
    Validations.of(role.node.defaultChild as CfnRole).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "xray:PutTraceSegments and PutTelemetryRecords know no resource but *.",
    });
    return role;
  }
}

function allow(actions: string[], resource: string): PolicyDocument {
  return new PolicyDocument({
    statements: [new PolicyStatement({ actions, resources: [resource] })],
  });
}
