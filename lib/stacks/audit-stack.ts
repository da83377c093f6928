import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { environment } from "../../core/contracts/environment.ts";
import { printedMetric } from "../constructs/printed-metric.ts";
import { alarmPeriod, RunbookAlarm } from "../constructs/runbook-alarm.ts";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import { nameIn, type Platform } from "../platform.ts";

export interface AuditStackProps {
  readonly platform: Platform;
  /** Where readers' browsers report to. */
  readonly apiUrl: string;
}

/**
 * What is proved over and over: that money adds up, and that an engagement which was accepted arrives.
 * Both ring until they are proved again.
 */
export class AuditStack extends Stack {
  private readonly platform: Platform;

  constructor(scope: Construct, id: string, { platform, apiUrl }: AuditStackProps) {
    super(scope, id, { stackName: nameIn(platform.settings, "audit") });
    this.platform = platform;
    this.addAudit();
    this.addCanary(apiUrl);
  }

  private addAudit(): void {
    const { platform } = this;
    new ScheduledFunction(this, "AuditMoney", {
      platform,
      name: "audit-money",
      concerns: "money",
      every: Duration.hours(1),
      // It reads every counter and entry there is.
      timeout: Duration.minutes(15),
      memoryMb: 1_024,
      needs: {
        tables: {
          earningsCounters: ["BatchGetItem", "Query", "Scan"],
          ledger: ["GetItem", "Query", "Scan"],
        },
        summaries: ["PutItem"],
        holdRules: true,
      },
      // One difference is one too many, and a second look has confirmed it.
      errorsToRing: 1,
    });
    this.alarmOn("audit-money", "difference", "ProofDifferences", "Money does not add up.");
  }

  private addCanary(apiUrl: string): void {
    const { platform } = this;
    const { scheduled } = new ScheduledFunction(this, "RunCanary", {
      platform,
      name: "run-canary",
      concerns: "money",
      every: Duration.minutes(5),
      // Thrice it may wait for an answer of the API.
      timeout: Duration.seconds(60),
      needs: {
        tables: {
          impressionKeys: ["Query"],
          earningsCounters: ["BatchGetItem"],
          pacing: ["GetItem", "PutItem"],
        },
        dueIndex: ["Query"],
        canaryArticle: ["BatchGetItem", "PutItem"],
        viewTokenSecret: true,
        settlementRules: true,
        canaryRules: true,
      },
    });
    scheduled.function.addEnvironment(environment.apiUrl, apiUrl);
    const text = "A view that was sent for a test did not arrive.";
    this.alarmOn("run-canary", "failure", "CanaryFailures", text);
  }

  private alarmOn(service: string, symptom: string, name: string, description: string): void {
    const { platform } = this;
    const facts = { service, name, statistic: "Maximum", period: alarmPeriod } as const;
    new RunbookAlarm(this, `${name}Alarm`, {
      ...{ platform, subject: service, symptom, description },
      concerns: "money",
      metric: printedMetric(platform.settings, facts),
      threshold: 1,
      untilMeasuredAgain: true,
    });
  }
}
