import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import type { AcceptanceAnswer } from "../../core/engagements/accept-engagements.ts";
import { Problem } from "../../core/perimeter/problem.ts";

/**
 * In CloudWatch's embedded metric format: a line of the log each time they are published. Names end
 * in what they count, units are set, and the only dimension is the function, but for `publishBy`.
 */
export const metrics = new Metrics();

export function publishMetrics(): void {
  if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
}

/** Publishes one at once, with a second dimension: each of its values is a metric to pay for. */
export function publishBy(
  [dimension, of]: readonly [dimension: string, value: string],
  name: string,
  value: number,
  unit: (typeof MetricUnit)[keyof typeof MetricUnit] = MetricUnit.Count,
): void {
  const one = metrics.singleMetric();
  one.addDimension(dimension, of);
  one.addMetric(name, unit, value);
}

/**
 * Counts what was accepted, and what was refused by its reason, of which there are few.
 * @throws what `accepting` throws.
 */
export async function countingAcceptance(
  accepting: Promise<AcceptanceAnswer>,
): Promise<AcceptanceAnswer> {
  try {
    const answer = await accepting;
    metrics.addMetric("EngagementsAccepted", MetricUnit.Count, answer.accepted);
    countRefused(answer.rejected);
    return answer;
  } catch (error) {
    const { rejected = [] } = (error instanceof Problem ? error.extensions : {}) as {
      rejected?: AcceptanceAnswer["rejected"];
    };
    countRefused(rejected);
    throw error;
  }
}

function countRefused(rejected: AcceptanceAnswer["rejected"]): void {
  for (const [reason, { length }] of Map.groupBy(rejected, ({ code }) => code)) {
    publishBy(["reason", reason], "EngagementsRefused", length);
  }
}
