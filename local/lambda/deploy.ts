import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Alarms } from "../cloudwatch/alarms.ts";
import { readProperties } from "../templates/properties.ts";
import type { Resource } from "../templates/resources.ts";
import type { LambdaFunction } from "./function.ts";
import type { Candidate } from "./traffic.ts";

export interface DeployOptions {
  /** New code serves a part first, and is taken back when an alarm rings; default: at once. */
  readonly canary?: { readonly percent: number; readonly forMs: number };
}

export type Deployment =
  | { readonly state: "deployed" }
  /** It does not load: the old code serves on. */
  | { readonly state: "refused"; readonly reason: string }
  /** As CodeDeploy does it: the old code serves on. */
  | { readonly state: "rolled-back"; readonly alarm: string };

const lookEveryMs = 200;

/**
 * Replaces the code of a function while it runs: invocations under way finish on the old code.
 * @param alarmNames take it back, if it has to prove itself first.
 */
export async function deploy(
  lambda: LambdaFunction,
  bundleDir: string,
  { canary }: DeployOptions,
  alarms: Pick<Alarms, "list">,
  alarmNames: readonly string[],
): Promise<Deployment> {
  let candidate: Candidate;
  try {
    candidate = await lambda.prepare(bundleDir);
  } catch (error) {
    return { state: "refused", reason: (error as Error).message };
  }
  if (canary !== undefined) {
    candidate.serve(canary.percent);
    const untilMs = performance.now() + canary.forMs;
    while (performance.now() < untilMs) {
      const ringing = alarms
        .list()
        .find(({ name, state }) => state === "ALARM" && alarmNames.includes(name));
      if (ringing !== undefined) {
        candidate.withdraw();
        return { state: "rolled-back", alarm: ringing.name };
      }
      await delay(lookEveryMs);
    }
  }
  candidate.serve(100);
  return { state: "deployed" };
}

const groupShape = {
  DeploymentGroupName: z.string(),
  AlarmConfiguration: z.strictObject({
    Enabled: z.literal(true),
    Alarms: z.array(z.strictObject({ Name: z.string() })),
  }),
};
/** How long and how much in AWS; here whoever deploys says so. */
const ignored = [
  "ApplicationName",
  "AutoRollbackConfiguration",
  "DeploymentConfigName",
  "DeploymentStyle",
  "ServiceRoleArn",
  "Tags",
];
const metricShape = z.object({
  Namespace: z.literal("AWS/Lambda"),
  MetricName: z.literal("Errors"),
  Dimensions: z.array(z.object({ Name: z.literal("FunctionName"), Value: z.string() })),
});

/** The alarms that watch a function's new code: its deployment group's, or of its own errors. */
export function readRollbackAlarms(resources: readonly Resource[]) {
  const ofType = (type: string) => resources.filter((one) => one.type === `AWS::${type}`);
  // An alias is its function here: one that splits requests by itself would be misread.
  for (const one of ofType("Lambda::Alias")) {
    readProperties(one, {}, ["FunctionName", "FunctionVersion", "Name", "Description"]);
  }
  const groups = ofType("CodeDeploy::DeploymentGroup").map((one) =>
    readProperties(one, groupShape, ignored),
  );
  const errors = ofType("CloudWatch::Alarm").flatMap(({ ref, properties }) => {
    const metric = metricShape.safeParse(properties);
    if (!metric.success) return [];
    return metric.data.Dimensions.map(({ Value }) => ({ alarm: ref, functionName: Value }));
  });
  return (functionName: string): string[] => {
    const group = groups.find(({ DeploymentGroupName }) => DeploymentGroupName === functionName);
    if (group) return group.AlarmConfiguration.Alarms.map(({ Name }) => Name);
    return errors.filter((one) => one.functionName === functionName).map(({ alarm }) => alarm);
  };
}
