import { z } from "zod";
import type { Queue, Queues } from "../sqs/queues.ts";
import { readProperties } from "../templates/properties.ts";
import { describe, type Resource } from "../templates/resources.ts";
import { compileInput, inputShape, type MakeInput } from "./input.ts";
import { compilePattern, type Matcher } from "./pattern.ts";

export interface Target {
  readonly arn: string;
  readonly input: MakeInput;
  /** A queue, or another bus by its name. */
  readonly destination: Queue | { readonly bus: string };
  readonly deadLetters: Queue | undefined;
}

export interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly bus: string;
  readonly matches: Matcher;
  readonly targets: readonly Target[];
}

const ruleShape = {
  Name: z.string().optional(),
  EventBusName: z.string().default("default"),
  EventPattern: z.record(z.string(), z.unknown()),
  State: z.enum(["ENABLED", "DISABLED"]).default("ENABLED"),
  Targets: z
    .array(
      z.strictObject({
        ...inputShape,
        Id: z.string(),
        Arn: z.string(),
        DeadLetterConfig: z.strictObject({ Arn: z.string() }).optional(),
        // A queue in this process takes a message or refuses it for good: nothing to retry.
        RetryPolicy: z.unknown().optional(),
        RoleArn: z.unknown().optional(),
      }),
    )
    .default([]),
};

export function readRule(resource: Resource, queues: Queues): Rule {
  const properties = readProperties(resource, ruleShape, ["Description", "Tags"]);
  try {
    const arn = resource.attributes.Arn ?? "";
    const enabled = properties.State === "ENABLED";
    const matches = compilePattern(properties.EventPattern);
    return {
      name: resource.ref,
      arn,
      bus: busName(properties.EventBusName),
      matches: enabled ? matches : () => false,
      targets: properties.Targets.map((target) => ({
        arn: target.Arn,
        input: compileInput(target, arn),
        destination: destinationOf(target.Arn, queues),
        deadLetters:
          target.DeadLetterConfig && queueAt(target.DeadLetterConfig.Arn, queues, "dead letters"),
      })),
    };
  } catch (cause) {
    throw new Error(`${describe(resource)}: ${(cause as Error).message}`, { cause });
  }
}

/** PutEvents and rules name a bus by its name or its ARN. */
export function busName(nameOrArn: string): string {
  return nameOrArn.replace(/^arn:[^/]*:event-bus\//, "");
}

function destinationOf(arn: string, queues: Queues): Target["destination"] {
  const service = arn.split(":")[2];
  if (service === "sqs") return queueAt(arn, queues, "a target");
  if (arn.includes(":event-bus/")) return { bus: busName(arn) };
  throw new Error(`the embedded cloud cannot deliver events to ${arn}`);
}

function queueAt(arn: string, queues: Queues, purpose: string): Queue {
  const queue = queues.byArn(arn);
  if (queue === undefined) throw new Error(`${purpose}: there is no queue ${arn}`);
  return queue;
}
