import { Duration, Stack } from "aws-cdk-lib";
import {
  AlarmRule,
  AlarmState,
  AlarmStatusWidget,
  CompositeAlarm,
  Dashboard,
  GraphWidget,
  type IAlarmRef,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Construct } from "constructs";
import { deadLetterQueuesOf } from "../../core/contracts/dead-letter-sources.ts";
import { heightOf, queueLevel } from "../../core/contracts/queued-work.ts";
import { openDeadLetters } from "../constructs/dead-letter-queue.ts";
import { metricsNamespace, printedMetric } from "../constructs/printed-metric.ts";
import { type Concern, RunbookAlarm } from "../constructs/runbook-alarm.ts";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import { WorkerQueue } from "../constructs/worker-queue.ts";
import { nameIn, type Platform } from "../platform.ts";
import type { ApiStack } from "./api-stack.ts";

export interface MonitoringStackProps {
  readonly platform: Platform;
  readonly api: ApiStack;
}

const period = Duration.minutes(1);

const summaries = {
  money: { id: "MoneyAtRisk", name: "money-at-risk", text: "Money is late, stuck or wrong." },
  users: { id: "UsersWaiting", name: "users-waiting", text: "Somebody waits for us." },
} as const satisfies Record<Concern, object>;

/** What a widget takes. */
const maxAlarmsShown = 100;

interface Summary {
  readonly whole: CompositeAlarm;
  readonly areas: readonly CompositeAlarm[];
}

/** The stack's name without ours: `Jobs`. */
const areaOf = (alarm: RunbookAlarm): string => Stack.of(alarm).node.id.replace(/^Pennyline/, "");

/**
 * What an operator looks at first: two alarms that sum up all others, and one dashboard. Alarms live
 * with what they watch; whatever the other stacks hold is found here by itself, and mentioned by its
 * name, so that no stack is tied to this one.
 */
export class MonitoringStack extends Stack {
  private readonly platform: Platform;
  private readonly api: ApiStack;
  private readonly alarms: readonly RunbookAlarm[];
  private readonly queues: readonly WorkerQueue[];
  private readonly schedules: readonly ScheduledFunction[];

  constructor(scope: Construct, id: string, { platform, api }: MonitoringStackProps) {
    super(scope, id, { stackName: nameIn(platform.settings, "monitoring") });
    const all = this.node.root.node.findAll();
    this.platform = platform;
    this.api = api;
    this.alarms = all.filter((one) => one instanceof RunbookAlarm);
    this.queues = all.filter((one) => one instanceof WorkerQueue);
    this.schedules = all.filter((one) => one instanceof ScheduledFunction);
    // A summary of alarms that are not there yet would fail the deployment.
    const watched = new Set(this.alarms.map((alarm) => Stack.of(alarm)));
    for (const stack of watched) this.addStackDependency(stack);

    const [money, users] = [this.addSummary("money"), this.addSummary("users")];
    new Dashboard(this, "Dashboard", {
      dashboardName: nameIn(platform.settings),
      defaultInterval: Duration.hours(3),
      widgets: [
        [
          status("Are we fine?", 6, [money.whole, users.whole]),
          status("Where?", 18, [...money.areas, ...users.areas]),
        ],
        [...this.ringing("money"), ...this.ringing("users")],
        this.money(),
        this.users(),
        this.waiting(),
        this.machinery(),
      ],
    });
  }

  /** One alarm over those of each area, and one over the areas. Only the last of them tells anyone. */
  private addSummary(concern: Concern): Summary {
    const { id, name, text } = summaries[concern];
    const byArea = [...Map.groupBy(this.concerning(concern), areaOf)];
    const nameOf = (area: string) => `${name}-${area.toLowerCase()}`;
    const areas = byArea.map(([area, alarms]) =>
      this.addComposite(`${id}${area}`, {
        name: nameOf(area),
        description: `${area}: ${text} See docs/runbook.md#${name}`,
        children: alarms.map(({ plainName }) => plainName),
      }),
    );
    const whole = this.addComposite(id, {
      name,
      description: `${text} See docs/runbook.md#${name}`,
      children: byArea.map(([area]) => nameIn(this.platform.settings, nameOf(area))),
    });
    whole.node.addDependency(...areas);
    const action = new SnsAction(this.platform.alarmTopic);
    whole.addAlarmAction(action);
    whole.addOkAction(action);
    return { whole, areas };
  }

  /** Rings while any of its children does. */
  private addComposite(
    id: string,
    {
      name,
      description,
      children,
    }: Readonly<Record<"name" | "description", string>> & {
      readonly children: readonly string[];
    },
  ): CompositeAlarm {
    return new CompositeAlarm(this, id, {
      compositeAlarmName: nameIn(this.platform.settings, name),
      alarmDescription: description,
      alarmRule: AlarmRule.fromString(children.map((one) => `ALARM("${one}")`).join(" OR ")),
    });
  }

  private concerning(concern: Concern): RunbookAlarm[] {
    return this.alarms.filter((alarm) => alarm.concerns === concern);
  }

  private ringing(concern: Concern): AlarmStatusWidget[] {
    const alarms = this.concerning(concern).map(({ plainName }) => ({
      alarmArn: `arn:${this.partition}:cloudwatch:${this.region}:${this.account}:alarm:${plainName}`,
    }));
    const { name } = summaries[concern];
    return Array.from({ length: Math.ceil(alarms.length / maxAlarmsShown) }, (_, index) => {
      const from = index * maxAlarmsShown;
      return status(`What rings: ${name}`, 12, alarms.slice(from, from + maxAlarmsShown), true);
    });
  }

  /** In the order in which a view becomes money. */
  private money(): IWidget[] {
    return [
      graph("Engagements a minute", [
        this.sumOf("EngagementsAccepted", "accepted"),
        this.printed("count-engagements", "EngagementsRecorded", "counted"),
        this.printed("count-engagements", "EngagementsDuplicate", "counted before"),
        this.sumOf("EngagementsRefused", "refused", ["service", "reason"]),
      ]),
      graph("Settled a minute, micros", [
        this.printed("settle-creator", "MicrosSettled", "settled"),
      ]),
      graph("Settlement lag, s", [
        this.printed("settle-creator", "SettlementLag", "not settled for", "Maximum"),
      ]),
      graph("Differences and lost canaries", [
        this.printed("audit-money", "ProofDifferences", "differences in the proof", "Maximum"),
        this.printed("run-canary", "CanaryFailures", "canaries that did not arrive"),
      ]),
    ];
  }

  private users(): IWidget[] {
    const { api } = this.api;
    return [
      graph("Accepting routes, p99 ms", this.api.acceptingLatencies(period)),
      graph("Answers a minute", [
        api.metricCount({ period, label: "all" }),
        api.metricClientError({ period, label: "4xx" }),
        api.metricServerError({ period, label: "5xx" }),
      ]),
      this.refused(),
      graph("Jobs a minute", [
        this.sumOf("JobsSucceeded", "succeeded"),
        this.sumOf("JobsFailed", "failed"),
      ]),
    ];
  }

  /** Nothing on the right while all is well: only queues at a level have a line. */
  private refused(): IWidget {
    const schema = `"${metricsNamespace(this.platform.settings)}",service,queue`;
    const expression = `SEARCH('{${schema}} MetricName="${queueLevel}"', 'Maximum', ${period.toSeconds()})`;
    return new GraphWidget({
      title: "Told to come back later (429)",
      left: [
        this.sumOf("RequestsShed", "all"),
        this.sumOf("WorkShed", "too much waits", ["service", "kind"]),
        this.sumOf("RequestsLimited", "over their own limit", ["service", "by"]),
        this.sumOf("LimitsUnavailable", "limits could not be asked"),
        this.sumOf("PressureUnread", "levels could not be read"),
      ],
      right: [new MathExpression({ expression, usingMetrics: {}, label: "", period })],
      rightYAxis: { label: "level: 1 soft, 2 hard, 3 full", min: 0, max: heightOf("full") },
      ...{ width: 6, height: 6 },
    });
  }

  /** One line for each queue. */
  private waiting(): IWidget[] {
    const lines = (metricName: string) =>
      this.queues.map(({ name }) => this.queueMetric(metricName, name));
    return [
      graph("Waiting messages", lines("ApproximateNumberOfMessagesVisible"), 8),
      graph("Age of the oldest message, s", lines("ApproximateAgeOfOldestMessage"), 8),
      graph(
        "Dead letters that nobody has seen to",
        deadLetterQueuesOf(Object.fromEntries(this.platform.deadLetterSources)).map(({ queue }) =>
          openDeadLetters(this.platform, queue),
        ),
        8,
      ),
    ];
  }

  private machinery(): IWidget[] {
    const names = [...this.queues, ...this.schedules].map(({ name }) => name);
    const lines = (metricName: string) =>
      names.map((name) => this.functionMetric(metricName, name));
    const tables = Object.values(this.platform.tables);
    return [
      graph("Errors of workers and schedules", lines("Errors"), 8),
      graph("Throttles of workers and schedules", lines("Throttles"), 8),
      graph(
        "Tables: throttled requests",
        tables.map((table) =>
          table.metricThrottledRequestsForOperation("TransactWriteItems", { period }),
        ),
        8,
      ),
    ];
  }

  private queueMetric(metricName: string, name: string): Metric {
    const dimensionsMap = { QueueName: nameIn(this.platform.settings, name) };
    const namespace = "AWS/SQS";
    return new Metric({
      ...{ namespace, metricName, dimensionsMap, period },
      statistic: "Maximum",
      label: name,
    });
  }

  private functionMetric(metricName: string, name: string): Metric {
    const dimensionsMap = { FunctionName: nameIn(this.platform.settings, name) };
    const namespace = "AWS/Lambda";
    return new Metric({
      ...{ namespace, metricName, dimensionsMap, period },
      statistic: "Sum",
      label: name,
    });
  }

  private printed(
    service: string,
    name: string,
    label: string,
    statistic: "Sum" | "Maximum" = "Sum",
  ): Metric {
    return printedMetric(this.platform.settings, { service, name, statistic, period, label });
  }

  /** Over every function that prints it, and every other dimension. */
  private sumOf(name: string, label: string, dimensions = ["service"]): MathExpression {
    const schema = [`"${metricsNamespace(this.platform.settings)}"`, ...dimensions].join(",");
    const search = `SEARCH('{${schema}} MetricName="${name}"', 'Sum', ${period.toSeconds()})`;
    return new MathExpression({ expression: `SUM(${search})`, usingMetrics: {}, label, period });
  }
}

function status(
  title: string,
  width: number,
  alarms: readonly { readonly alarmArn: string }[],
  onlyRinging = false,
): AlarmStatusWidget {
  return new AlarmStatusWidget({
    title,
    width,
    height: 4,
    alarms: alarms.map(({ alarmArn }) => ({ alarmRef: { alarmArn } }) as IAlarmRef),
    ...(onlyRinging && { states: [AlarmState.ALARM] }),
  });
}

function graph(title: string, left: readonly IMetric[], width = 6): GraphWidget {
  return new GraphWidget({ title, left: [...left], width, height: 6 });
}
