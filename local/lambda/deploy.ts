import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Alarms } from "../cloudwatch/alarms.ts";
import { readProperties } from "../templates/properties.ts";
import { describe, type Resource } from "../templates/resources.ts";
import type { LambdaFunction } from "./function.ts";
import type { Candidate } from "./traffic.ts";

export interface DeployOptions {
  /**
   * New code serves a part first, and is taken back when an alarm rings; default: as the function's
   * deployment group says, at once if it has none.
   */
  readonly canary?: ReleaseStep;
  /** Told when new code has got a part of what comes. */
  readonly onStep?: (step: ReleaseStep) => void;
}

export interface ReleaseStep {
  readonly percent: number;
  readonly forMs: number;
}

/** What a function's new code has to go through. */
export interface Release {
  readonly steps: readonly ReleaseStep[];
  /** Any of them takes it back meanwhile. */
  readonly alarms: readonly string[];
}

export type Deployment =
  | { readonly state: "deployed" }
  /** It does not load: the old code serves on. */
  | { readonly state: "refused"; readonly reason: string }
  /** As CodeDeploy does it: the old code serves on. */
  | { readonly state: "rolled-back"; readonly alarm: string };

const lookEveryMs = 200;

/** Replaces the code of a function while it runs: invocations under way finish on the old code. */
export async function deploy(
  lambda: LambdaFunction,
  bundleDir: string,
  { canary, onStep }: DeployOptions,
  alarms: Pick<Alarms, "list">,
  release: Release,
): Promise<Deployment> {
  let candidate: Candidate;
  try {
    candidate = await lambda.prepare(bundleDir);
  } catch (error) {
    return { state: "refused", reason: (error as Error).message };
  }
  for (const step of canary === undefined ? release.steps : [canary]) {
    candidate.serve(step.percent);
    onStep?.(step);
    const untilMs = performance.now() + step.forMs;
    while (performance.now() < untilMs) {
      const ringing = alarms
        .list()
        .find(({ name, state }) => state === "ALARM" && release.alarms.includes(name));
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
  DeploymentConfigName: z.string().default("CodeDeployDefault.LambdaAllAtOnce"),
  AlarmConfiguration: z.strictObject({
    Enabled: z.literal(true),
    Alarms: z.array(z.strictObject({ Name: z.string() })),
  }),
};
const ignored = [
  "ApplicationName",
  "AutoRollbackConfiguration",
  "DeploymentStyle",
  "ServiceRoleArn",
  "Tags",
];
const metricShape = z.object({
  Namespace: z.literal("AWS/Lambda"),
  MetricName: z.literal("Errors"),
  Dimensions: z.array(z.object({ Name: z.literal("FunctionName"), Value: z.string() })),
});

/**
 * How a function gets new code: as its deployment group has it, or else at once. Whoever wants to
 * try it on a part all the same goes by the alarm of its own errors.
 * @param minuteMs how long a minute of CodeDeploy lasts.
 */
export function readReleases(resources: readonly Resource[], minuteMs: number) {
  const ofType = (type: string) => resources.filter((one) => one.type === `AWS::${type}`);
  // An alias is its function here: one that splits requests by itself would be misread.
  for (const one of ofType("Lambda::Alias")) {
    readProperties(one, {}, ["FunctionName", "FunctionVersion", "Name", "Description"]);
  }
  const groups = ofType("CodeDeploy::DeploymentGroup").map((one) => {
    const group = readProperties(one, groupShape, ignored);
    return { name: group.DeploymentGroupName, release: releaseOf(one, group, minuteMs) };
  });
  const errors = ofType("CloudWatch::Alarm").flatMap(({ ref, properties }) => {
    const metric = metricShape.safeParse(properties);
    if (!metric.success) return [];
    return metric.data.Dimensions.map(({ Value }) => ({ alarm: ref, functionName: Value }));
  });
  return (functionName: string): Release => {
    const group = groups.find(({ name }) => name === functionName);
    if (group) return group.release;
    const its = errors.filter((one) => one.functionName === functionName);
    return { steps: [], alarms: its.map(({ alarm }) => alarm) };
  };
}

function releaseOf(
  group: Resource,
  properties: z.infer<z.ZodObject<typeof groupShape>>,
  minuteMs: number,
): Release {
  const { DeploymentConfigName: config, AlarmConfiguration } = properties;
  const alarms = AlarmConfiguration.Alarms.map(({ Name }) => Name);
  const name = config.replace("CodeDeployDefault.Lambda", "");
  if (name === "AllAtOnce") return { steps: [], alarms };
  const [, way, part, minutes] =
    /^(Canary|Linear)(\d+)Percent(?:Every)?(\d+)Minutes?$/.exec(name) ?? [];
  if (way === undefined) throw new Error(`${describe(group)}: ${config} is not implemented`);
  const percent = Number(part);
  const forMs = Number(minutes) * minuteMs;
  const times = way === "Canary" ? 1 : Math.ceil(100 / percent) - 1;
  const steps = Array.from({ length: times }, (_, index) => ({
    ...{ percent: percent * (index + 1), forMs },
  }));
  return { steps, alarms };
}
