import { Aws, RemovalPolicy } from "aws-cdk-lib";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { EventBus } from "aws-cdk-lib/aws-events";
import type { Role } from "aws-cdk-lib/aws-iam";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { CfnScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import type { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Topic } from "aws-cdk-lib/aws-sns";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { DeadLetterSources } from "../core/contracts/dead-letter-sources.ts";
import type { tables } from "../core/contracts/storage.ts";
import type { Settings } from "./settings.ts";

export type TableName = keyof typeof tables;

/** What the state stack holds and every other stack refers to. */
export interface Platform {
  readonly settings: Settings;
  readonly tables: Readonly<Record<TableName, Table>>;
  readonly bus: EventBus;
  readonly files: Bucket;
  readonly viewTokenSecret: Secret;
  /** What webhooks are signed with: each endpoint's secret follows from it. */
  readonly webhookSecret: Secret;
  /** What the key that identifies us to browsers' push services follows from. */
  readonly webPushSecret: Secret;
  /** What links and tickets that we hand out are signed with. */
  readonly linkSecret: Secret;
  /** What the addresses that are limited are hashed with. */
  readonly limitSecret: Secret;
  /** Puts an event on the bus later, by a one-off schedule. */
  readonly deferral: Deferral;
  readonly alarmTopic: Topic;
  /** Every construct with a dead letter queue enters itself here; none is forgotten. */
  readonly deadLetterSources: Map<string, DeadLetterSources[string]>;
  /** Where clients connect: known to stacks that come after the WebSocket API's. */
  readonly connectionUrl?: string;
}

export interface Deferral {
  readonly group: CfnScheduleGroup;
  /** Scheduler's, which may put events on the bus. */
  readonly role: Role;
  /** Events that Scheduler could not put there. */
  readonly deadLetters: Queue;
}

/** The name of a thing that operators meet: the stage keeps two deployments apart. */
export function nameIn(settings: Settings, ...parts: readonly string[]): string {
  return ["pennyline", settings.stage, ...parts].join("-");
}

/**
 * What becomes of a thing with a name when its stack goes: kept where data is, except after a first
 * deployment that failed, where it would be in the way of the second.
 */
export function removalOf(settings: Settings): RemovalPolicy {
  return settings.retainData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}

/** `run-draft-save` as the id of a construct: `RunDraftSave`. */
export function pascalCase(name: string): string {
  return name.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
}

/** The bucket's name is the same in every stack that grants a part of it; accounts share one space of names. */
export function filesBucketName(settings: Settings): string {
  return `${nameIn(settings, "files")}-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
}

export const deferralGroupName = (settings: Settings): string => nameIn(settings, "deferred");
