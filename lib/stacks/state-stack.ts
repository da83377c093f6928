import { CfnOutput, Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  Table,
  type TableProps,
} from "aws-cdk-lib/aws-dynamodb";
import { EventBus } from "aws-cdk-lib/aws-events";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  HttpMethods,
  ObjectOwnership,
} from "aws-cdk-lib/aws-s3";
import { CfnScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { limits } from "../../core/contracts/limits.ts";
import { filePrefixes, tables } from "../../core/contracts/storage.ts";
import { checkDedupe } from "../checks.ts";
import { DeadLetterQueue } from "../constructs/dead-letter-queue.ts";
import {
  type Deferral,
  deferralGroupName,
  filesBucketName,
  nameIn,
  type Platform,
  type TableName,
} from "../platform.ts";
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
    const bus = new EventBus(this, "Bus", { eventBusName: nameIn(settings) });
    const deferral = this.addDeferral(bus);
    this.platform = {
      settings,
      tables: this.addTables(),
      bus,
      files: this.addFiles(),
      viewTokenSecret: this.addViewTokenSecret(),
      webhookSecret: this.addKey("WebhookSecret", "Webhook endpoints' secrets follow from it."),
      webPushSecret: this.addKey("WebPushSecret", "Our key to browsers' push services."),
      linkSecret: this.addKey("LinkSecret", "Signs links and tickets that are handed out."),
      limitSecret: this.addKey("LimitSecret", "Hashes the addresses whose requests are limited."),
      deferral,
      alarmTopic: this.addAlarmTopic(),
      deadLetterSources: new Map([["deferred", "deferral"]]),
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
    const { impressionKeys, earningsCounters, ledger, idempotency, jobs } = tables;

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
    const { accountIndex, payoutIndex } = ledger;
    accounts.addGlobalSecondaryIndex({
      indexName: accountIndex.name,
      partitionKey: { name: accountIndex.partitionKey, type: AttributeType.NUMBER },
      sortKey: text(accountIndex.sortKey),
      // It says who has an account; what is in it is read from the account, where it is exact.
      projectionType: ProjectionType.KEYS_ONLY,
    });
    accounts.addGlobalSecondaryIndex({
      indexName: payoutIndex.name,
      partitionKey: text(payoutIndex.partitionKey),
      sortKey: { name: payoutIndex.sortKey, type: AttributeType.NUMBER },
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
    const jobRecords = this.addTable("Jobs", {
      ...sorted(jobs),
      timeToLiveAttribute: jobs.ttl,
    });
    const { ownerIndex, attentionIndex } = jobs;
    // The records themselves are read where they are exact; the indexes only say which.
    const projectionType = ProjectionType.KEYS_ONLY;
    jobRecords.addGlobalSecondaryIndex({
      indexName: ownerIndex.name,
      partitionKey: text(ownerIndex.partitionKey),
      sortKey: text(ownerIndex.sortKey),
      projectionType,
    });
    jobRecords.addGlobalSecondaryIndex({
      indexName: attentionIndex.name,
      partitionKey: { name: attentionIndex.partitionKey, type: AttributeType.NUMBER },
      sortKey: { name: attentionIndex.sortKey, type: AttributeType.NUMBER },
      projectionType,
    });
    const traces = this.addTable("Traces", {
      ...sorted(tables.traces),
      timeToLiveAttribute: tables.traces.ttl,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: false },
    });
    Validations.of(traces).acknowledge({
      id: "AwsSolutions-DDB3",
      reason: "Says what happened and holds no state: nothing is worth restoring it for.",
    });
    const forgetful = (
      id: string,
      layout: { partitionKey: string; sortKey: string; ttl: string },
    ) => this.addTable(id, { ...sorted(layout), timeToLiveAttribute: layout.ttl });
    return {
      // Backed up although it is only a memory: counters restored to a moment without the keys of
      // that moment would pay twice, or never, whatever is delivered again.
      impressionKeys: this.addTable("ImpressionKeys", {
        ...sorted(impressionKeys),
        timeToLiveAttribute: impressionKeys.ttl,
      }),
      earningsCounters: counters,
      ledger: accounts,
      registry: this.addRegistry(),
      idempotency: answers,
      jobs: jobRecords,
      drafts: this.addTable("Drafts", sorted(tables.drafts)),
      followers: forgetful("Followers", tables.followers),
      webhooks: forgetful("Webhooks", tables.webhooks),
      connections: forgetful("Connections", tables.connections),
      pacing: forgetful("Pacing", tables.pacing),
      traces,
      deadLetters: this.addDeadLetters(),
    };
  }

  private addRegistry(): Table {
    const { partitionKey, sortKey, currentIndex } = tables.registry;
    const text = (name: string) => ({ name, type: AttributeType.STRING });
    const registered = this.addTable("Registry", {
      partitionKey: text(partitionKey),
      sortKey: text(sortKey),
    });
    registered.addGlobalSecondaryIndex({
      indexName: currentIndex.name,
      partitionKey: text(currentIndex.partitionKey),
      sortKey: text(currentIndex.sortKey),
      // What lists show and filter by; rate cards are the larger part of an item.
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: [...currentIndex.projected],
    });
    return registered;
  }

  private addDeadLetters(): Table {
    const { partitionKey, sortKey, ttl, stateIndex } = tables.deadLetters;
    const text = (name: string) => ({ name, type: AttributeType.STRING });
    const letters = this.addTable("DeadLetters", {
      ...{ partitionKey: text(partitionKey), sortKey: text(sortKey), timeToLiveAttribute: ttl },
    });
    letters.addGlobalSecondaryIndex({
      indexName: stateIndex.name,
      partitionKey: text(stateIndex.partitionKey),
      sortKey: text(stateIndex.sortKey),
      // What they are counted and grouped by.
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: [...stateIndex.projected],
    });
    return letters;
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

  /** A key that only functions read, each to derive its own from. */
  private addKey(id: string, description: string): Secret {
    const secret = new Secret(this, id, {
      description,
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: this.removalPolicy,
    });
    Validations.of(secret).acknowledge({
      id: "AwsSolutions-SMG4",
      reason:
        "Others hold what follows from it: webhooks' receivers, browsers, readers' mailboxes. A new " +
        "one would void all of that at once; endpoints rotate their own secrets.",
    });
    return secret;
  }

  private addFiles(): Bucket {
    const { allowedOrigins, jobs } = this.settings;
    // Nobody finds them any more without their job.
    const whileJobsLast = { expiration: Duration.days(jobs.retentionDays + 1) };
    const bucket = new Bucket(this, "Files", {
      bucketName: filesBucketName(this.settings),
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      removalPolicy: this.removalPolicy,
      lifecycleRules: [
        { prefix: filePrefixes.uploads, expiration: Duration.days(1) },
        { prefix: filePrefixes.images, ...whileJobsLast },
        { prefix: filePrefixes.statements, ...whileJobsLast },
        { prefix: filePrefixes.exports, expiration: Duration.days(limits.exportTtlDays) },
        { abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      ...(allowedOrigins.length > 0 && {
        // Pages upload by pre-signed URL, and read results in the same way.
        cors: [
          {
            allowedMethods: [HttpMethods.GET, HttpMethods.PUT],
            allowedOrigins,
            allowedHeaders: ["content-type"],
            exposedHeaders: ["etag"],
            maxAge: 3_600,
          },
        ],
      }),
    });
    Validations.of(bucket).acknowledge({
      id: "AwsSolutions-S1",
      reason:
        "Every object is reached through a function or a link that one signed, both of which are " +
        "logged; a log of the bucket would say who read which draft.",
    });
    return bucket;
  }

  private addDeferral(bus: EventBus): Deferral {
    const group = new CfnScheduleGroup(this, "Deferred", {
      name: deferralGroupName(this.settings),
    });
    const role = new Role(this, "DeferralRole", {
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": this.account } },
      }),
    });
    const deadLetters = new DeadLetterQueue(
      this,
      "Undeferred",
      this.settings,
      "deferred-undelivered",
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ["events:PutEvents"], resources: [bus.eventBusArn] }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [deadLetters.queueArn] }),
    );
    return { group, role, deadLetters };
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
