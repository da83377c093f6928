import { CfnOutput, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  Table,
  type TableProps,
} from "aws-cdk-lib/aws-dynamodb";
import { EventBus } from "aws-cdk-lib/aws-events";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { tables } from "../../core/contracts/storage.ts";
import { checkDedupe } from "../checks.ts";
import { nameIn, type Platform, type TableName } from "../platform.ts";
import type { Settings } from "../settings.ts";

/** What outlives every deployment: tables, the bus, the view-token secret, the alarm topic. */
export class StateStack extends Stack {
  readonly platform: Platform;
  private readonly settings: Settings;
  private readonly removalPolicy: RemovalPolicy;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id, {
      stackName: nameIn(settings, "state"),
      terminationProtection: settings.retainData,
    });
    checkDedupe(settings);
    this.settings = settings;
    this.removalPolicy = settings.retainData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    this.platform = {
      settings,
      tables: this.addTables(),
      bus: new EventBus(this, "Bus", { eventBusName: nameIn(settings) }),
      viewTokenSecret: this.addViewTokenSecret(),
      alarmTopic: this.addAlarmTopic(),
    };
    new CfnOutput(this, "EventBusName", { value: this.platform.bus.eventBusName });
    new CfnOutput(this, "ViewTokenSecretArn", { value: this.platform.viewTokenSecret.secretArn });
    new CfnOutput(this, "AlarmTopicArn", { value: this.platform.alarmTopic.topicArn });
  }

  private addTables(): Record<TableName, Table> {
    const text = (name: string) => ({ name, type: AttributeType.STRING });
    const sorted = (layout: { partitionKey: string; sortKey: string }) => ({
      partitionKey: text(layout.partitionKey),
      sortKey: text(layout.sortKey),
    });
    const { impressionKeys, earningsCounters, ledger, registry, idempotency } = tables;

    const counters = this.addTable("EarningsCounters", sorted(earningsCounters));
    const { dueIndex } = earningsCounters;
    counters.addGlobalSecondaryIndex({
      indexName: dueIndex.name,
      partitionKey: { name: dueIndex.partitionKey, type: AttributeType.NUMBER },
      sortKey: text(dueIndex.sortKey),
      // Settlement reads the counters themselves; the index only says whose.
      projectionType: ProjectionType.KEYS_ONLY,
    });
    const accounts = this.addTable("Ledger", sorted(ledger));
    const { accountIndex } = ledger;
    accounts.addGlobalSecondaryIndex({
      indexName: accountIndex.name,
      partitionKey: { name: accountIndex.partitionKey, type: AttributeType.NUMBER },
      sortKey: text(accountIndex.sortKey),
      // It says who has an account; what is in it is read from the account, where it is exact.
      projectionType: ProjectionType.KEYS_ONLY,
    });
    const answers = this.addTable("Idempotency", {
      partitionKey: text(idempotency.partitionKey),
      timeToLiveAttribute: idempotency.ttl,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: false },
    });
    Validations.of(answers).acknowledge({
      id: "AwsSolutions-DDB3",
      reason: "Holds answers for 24 h and no state: after a loss a retry just writes them again.",
    });
    return {
      // Backed up although it is only a memory: counters restored to a moment without the keys of
      // that moment would pay twice, or never, whatever is delivered again.
      impressionKeys: this.addTable("ImpressionKeys", {
        ...sorted(impressionKeys),
        timeToLiveAttribute: impressionKeys.ttl,
      }),
      earningsCounters: counters,
      ledger: accounts,
      registry: this.addTable("Registry", sorted(registry)),
      idempotency: answers,
    };
  }

  private addTable(id: string, layout: Omit<TableProps, "tableName">): Table {
    return new Table(this, id, {
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: this.settings.retainData,
      removalPolicy: this.removalPolicy,
      ...layout,
    });
  }

  private addViewTokenSecret(): Secret {
    const secret = new Secret(this, "ViewTokenSecret", {
      description: "Keys that sign view tokens: `current` names one, each other field is a kid.",
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ current: "k1" }),
        generateStringKey: "k1",
        passwordLength: 64,
        excludePunctuation: true,
      },
      removalPolicy: this.removalPolicy,
    });
    Validations.of(secret).acknowledge({
      id: "AwsSolutions-SMG4",
      reason:
        "Publishers mint tokens with this key too, so a new kid is added by hand when they can " +
        "take it over; a rotation behind their back would void every page they serve.",
    });
    return secret;
  }

  private addAlarmTopic(): Topic {
    const topic = new Topic(this, "Alarms", {
      displayName: `Pennyline ${this.settings.stage} alarms`,
      enforceSSL: true,
    });
    // Any policy replaces the default one, which had let CloudWatch in.
    topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": this.account } },
      }),
    );
    if (this.settings.alarmEmail) {
      topic.addSubscription(new EmailSubscription(this.settings.alarmEmail));
    }
    return topic;
  }
}
