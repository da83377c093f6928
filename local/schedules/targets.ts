import { randomUUID } from "node:crypto";
import { AwsError } from "../aws-json-server.ts";
import type { EventBus } from "../events/event-bus.ts";
import { busName } from "../events/rules.ts";
import type { Functions } from "../lambda/functions.ts";
import { defaultRetries, retryAsync } from "../lambda/retry-async.ts";
import { scheduledEvent } from "../scheduler.ts";
import { MessageRefused, type Queue, type Queues } from "../sqs/queues.ts";
import type { ScheduleTarget } from "./input.ts";
import type { StoredSchedule } from "./store.ts";

export interface TargetDeps {
  readonly bus: EventBus;
  readonly functions: Functions;
  readonly queues: Queues;
  readonly warn: (message: string) => void;
}

/** `reached`: after the first attempt. `settled`: true once nothing is left to be done. */
export interface Run {
  readonly reached: Promise<void>;
  readonly settled: Promise<boolean>;
}

type Deliver = (schedule: StoredSchedule, stopping: AbortSignal) => Run;

/** How a target is reached; what can never work is a ValidationException at once. */
export function deliveryTo(target: ScheduleTarget, deps: TargetDeps): Deliver {
  const { Arn: arn, DeadLetterConfig: deadLetters } = target;
  if (deadLetters && deps.queues.byArn(deadLetters.Arn) === undefined) {
    throw invalid(`there is no queue ${deadLetters.Arn} for dead letters`);
  }
  const service = arn.split(":")[2];
  if (service === "sqs") {
    const queue = deps.queues.byArn(arn);
    if (queue === undefined) throw invalid(`there is no queue ${arn}`);
    return (schedule) => atOnce(() => send(queue, schedule, deps));
  }
  if (service === "lambda") {
    const lambda = functionAt(arn, deps.functions);
    return (schedule, stopping) => {
      const payload = inputOf(schedule);
      const first = lambda.invoke(payload);
      const again = () => lambda.invoke(payload);
      const last = first.then((outcome) => retryAsync(outcome, again, defaultRetries, stopping));
      return {
        reached: first.then(() => {}),
        settled: last.then((outcome) => {
          if (outcome && "throttled" in outcome) bury(schedule, "the function is throttled", deps);
          return outcome !== undefined;
        }),
      };
    };
  }
  const { EventBridgeParameters: event } = target;
  if (arn.includes(":event-bus/") && event !== undefined) {
    const to = { Source: event.Source, DetailType: event.DetailType, EventBusName: busName(arn) };
    return (schedule) => atOnce(() => deps.bus.publish({ ...to, Detail: inputOf(schedule) }));
  }
  throw invalid(
    `the embedded cloud cannot reach ${arn}: it knows queues, functions, and event buses with ` +
      "EventBridgeParameters",
  );
}

function atOnce(deliver: () => void): Run {
  deliver();
  return { reached: Promise.resolve(), settled: Promise.resolve(true) };
}

function functionAt(arn: string, functions: Functions) {
  try {
    return functions.get(arn);
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

function send(queue: Queue, schedule: StoredSchedule, deps: TargetDeps): void {
  try {
    queue.send(inputOf(schedule));
  } catch (error) {
    if (!(error instanceof MessageRefused)) throw error;
    bury(schedule, error.message, deps);
  }
}

function bury(schedule: StoredSchedule, reason: string, { queues, warn }: TargetDeps): void {
  const { DeadLetterConfig: deadLetters, Arn: target } = schedule.input.Target;
  warn(`schedule ${schedule.name} could not reach ${target}: ${reason}`);
  if (deadLetters) queues.byArn(deadLetters.Arn)?.send(inputOf(schedule));
}

/** The input, with the names that Scheduler fills in. */
function inputOf({ input, arn, dueMs = 0 }: StoredSchedule): string {
  const context: Readonly<Record<string, string>> = {
    "schedule-arn": arn,
    "scheduled-time": `${new Date(dueMs).toISOString().slice(0, 19)}Z`,
    "execution-id": randomUUID(),
    "attempt-number": "1",
  };
  const text = input.Target.Input ?? scheduledEvent(arn);
  return text.replace(/<aws\.scheduler\.([a-z-]+)>/g, (all, name) => context[name] ?? all);
}

function invalid(message: string): AwsError {
  return new AwsError("ValidationException", message);
}
