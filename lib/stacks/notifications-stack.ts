import { CfnOutput, Duration, Stack } from "aws-cdk-lib";
import { EventBus, EventField, type EventPattern, RuleTargetInput } from "aws-cdk-lib/aws-events";
import {
  ConfigurationSet,
  EmailIdentity,
  EmailSendingEvent,
  EventDestination,
  Identity,
  SuppressionReasons,
} from "aws-cdk-lib/aws-ses";
import type { Construct } from "constructs";
import { environment } from "../../core/contracts/environment.ts";
import { fanOutChunkDue, mailReported, notificationsDue } from "../../core/contracts/events.ts";
import { WorkerQueue, type WorkerQueueProps } from "../constructs/worker-queue.ts";
import { addressOf, domainOf, mailSetName } from "../mail.ts";
import type { Needs } from "../needs.ts";
import { nameIn, type Platform } from "../platform.ts";

export interface NotificationsStackProps {
  readonly platform: Platform;
  /** Where links in e-mails lead. */
  readonly apiUrl: string;
}

/** What the workers of all channels need: plans, marks and followers, and the job they work for. */
const telling: Needs = {
  tables: {
    followers: ["BatchGetItem", "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"],
    jobs: ["GetItem", "PutItem", "UpdateItem"],
    pacing: ["UpdateItem"],
  },
  putEvents: true,
  deferEvents: true,
};

/** Followers told of articles: in chunks, and by a queue for each provider that delivers. */
export class NotificationsStack extends Stack {
  readonly queues: readonly WorkerQueue[];

  constructor(scope: Construct, id: string, { platform, apiUrl }: NotificationsStackProps) {
    super(scope, id, { stackName: nameIn(platform.settings, "notifications") });
    if (platform.settings.mail) this.addMail(platform);
    const queue = (
      construct: string,
      props: Pick<WorkerQueueProps, "name" | "event" | "timeout" | "needs"> &
        Partial<WorkerQueueProps>,
    ) =>
      new WorkerQueue(this, construct, {
        ...{ platform, batchSize: 1, batchingWindow: Duration.seconds(0), runbook: "notify" },
        ...props,
      });
    const notifyByEmail = queue("NotifyByEmail", {
      name: "notify-by-email",
      event: notificationsDue.email,
      timeout: Duration.seconds(60),
      maxConcurrency: 5,
      needs: { ...telling, mail: true, linkSecret: true },
    });
    notifyByEmail.worker.function.addEnvironment(environment.apiUrl, apiUrl);
    this.queues = [
      queue("FanOutChunk", {
        name: "fan-out-chunk",
        event: fanOutChunkDue,
        timeout: Duration.seconds(60),
        needs: {
          ...telling,
          tables: {
            followers: ["BatchGetItem", "GetItem", "Query", "PutItem", "UpdateItem"],
            jobs: ["GetItem", "PutItem", "UpdateItem"],
          },
        },
      }),
      notifyByEmail,
      queue("NotifyByPush", {
        name: "notify-by-push",
        event: notificationsDue.webPush,
        timeout: Duration.seconds(60),
        needs: { ...telling, webPush: true, webPushSecret: true, outbound: true },
      }),
      queue("RecordMailReports", {
        name: "record-mail-reports",
        event: mailReported,
        translation: { of: reportsOf(mailSetName(platform.settings)), message: ofMailReported },
        timeout: Duration.seconds(30),
        // One for each e-mail, and seldom anything to do: read together.
        batchSize: 100,
        batchingWindow: Duration.seconds(1),
        needs: { tables: { followers: ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"] } },
      }),
    ];
  }

  private addMail(platform: Platform): void {
    const { settings } = platform;
    if (!settings.mail) return;
    const { from, identityExists } = settings.mail;
    const set = new ConfigurationSet(this, "MailSet", {
      configurationSetName: mailSetName(settings),
      // Whoever bounced or complained is not written to by anyone of this account.
      suppressionReasons: SuppressionReasons.BOUNCES_AND_COMPLAINTS,
      reputationMetrics: true,
    });
    set.addEventDestination("Reports", {
      destination: EventDestination.eventBus(
        EventBus.fromEventBusName(this, "DefaultBus", "default"),
      ),
      events: [EmailSendingEvent.SEND, EmailSendingEvent.BOUNCE, EmailSendingEvent.COMPLAINT],
    });
    if (identityExists) return;
    const identity = new EmailIdentity(this, "MailIdentity", {
      identity: Identity.domain(domainOf(addressOf(from))),
    });
    identity.dkimRecords.forEach(({ name, value }, index) => {
      new CfnOutput(this, `MailDnsRecord${index + 1}`, { value: `${name} CNAME ${value}` });
    });
  }
}

/** What SES says of e-mails that were sent with a set. A soft bounce says nothing: SES tries again. */
function reportsOf(set: string): EventPattern {
  return {
    source: ["aws.ses"],
    detail: {
      mail: { tags: { "ses:configuration-set": [set] } },
      $or: [
        { eventType: ["Send", "Complaint"] },
        { eventType: ["Bounce"], bounce: { bounceType: ["Permanent"] } },
      ],
    },
  };
}

/** No more than is needed: the event itself names the address. */
const ofMailReported = RuleTargetInput.fromObject({
  source: mailReported.source,
  "detail-type": mailReported.detailType,
  detail: {
    schemaVersion: 1,
    what: EventField.fromPath("$.detail.eventType"),
    mailTag: EventField.fromPath("$.detail.mail.tags.told[0]"),
  },
});
