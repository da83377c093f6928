import type { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { Settings } from "../settings.ts";

/** The namespace of what a stage's functions print; two stages in one account must not add up. */
export const metricsNamespace = (settings: Settings): string => `Pennyline/${settings.stage}`;

export interface PrintedMetricProps {
  /** The function that prints it. */
  readonly service: string;
  readonly name: string;
  readonly statistic: "Sum" | "Maximum" | "p99";
  readonly period: Duration;
  readonly label?: string;
  /** Beside the function. */
  readonly dimensions?: Readonly<Record<string, string>>;
}

/** A metric that a function prints, see `adapters/lambda/metrics.ts`. */
export function printedMetric(settings: Settings, props: PrintedMetricProps): Metric {
  const { service, name, dimensions, ...rest } = props;
  return new Metric({
    namespace: metricsNamespace(settings),
    metricName: name,
    dimensionsMap: { service, ...dimensions },
    ...rest,
  });
}
