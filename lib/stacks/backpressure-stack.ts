import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { heightOf, kindsOfWork, queueLevel } from "../../core/contracts/queued-work.ts";
import { checkRefusal } from "../checks.ts";
import { printedMetric } from "../constructs/printed-metric.ts";
import { alarmPeriod, RunbookAlarm } from "../constructs/runbook-alarm.ts";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import { nameIn, type Platform } from "../platform.ts";

const name = "watch-backlogs";

/** Decides what is refused because too much waits, and tells when that is too much to bear. */
export class BackpressureStack extends Stack {
  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "backpressure") });
    const { backpressure, queueRetentionDays } = platform.settings;
    checkRefusal({ fullSeconds: backpressure.money.full.oldestSeconds, queueRetentionDays });
    new ScheduledFunction(this, "WatchBacklogs", {
      platform,
      name,
      timeout: Duration.seconds(55),
      needs: {
        queueDepths: true,
        monitoring: ["GetMetricData"],
        pressure: ["GetItem", "PutItem"],
        backpressureRules: true,
      },
    });
    this.addAlarms(platform);
  }

  private addAlarms(platform: Platform): void {
    const { settings } = platform;
    const { shedMinutes } = settings.alarms;
    const printed = { service: name, statistic: "Maximum", period: alarmPeriod } as const;
    const [queue = ""] = kindsOfWork.engagements.queues;
    new RunbookAlarm(this, "EngagementsShedAlarm", {
      ...{ platform, subject: "engagements", symptom: "shed", concerns: "money" },
      description: "Engagements are refused: what is not sent again is lost to its writer.",
      metric: printedMetric(settings, { ...printed, name: queueLevel, dimensions: { queue } }),
      threshold: heightOf("full"),
    });
    new RunbookAlarm(this, "WorkShedAlarm", {
      ...{ platform, subject: "work", symptom: "shed" },
      description: `Some kind of work has been refused for ${shedMinutes} minutes.`,
      metric: printedMetric(settings, { ...printed, name: "KindsRefused" }),
      threshold: 1,
      evaluationPeriods: shedMinutes,
    });
  }
}
