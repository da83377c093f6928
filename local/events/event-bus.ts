import { randomUUID } from "node:crypto";
import { z } from "zod";
import { AwsError, DropConnection, HangConnection, type Operation } from "../aws-json-server.ts";
import type { Faults } from "../faults.ts";
import { MessageRefused, type Queues } from "../sqs/queues.ts";
import type { Stats } from "../stats.ts";
import { readProperties } from "../templates/properties.ts";
import { account, region } from "../templates/resource-types.ts";
import type { Resource } from "../templates/resources.ts";
import { type BusEvent, type Entry, makeEvent, parseDetail, readEntries } from "./entries.ts";
import { busName, type Rule, readRule, type Target } from "./rules.ts";

type EntryResult =
  | { readonly EventId: string }
  | { readonly ErrorCode: string; readonly ErrorMessage: string };

export interface EventBus {
  /** `AWSEvents.*` operations of the wire protocol. */
  readonly operations: Readonly<Record<string, Operation>>;
  /** Puts an event of a service itself; what no rule can deliver is a warning. */
  publish(entry: Entry): void;
}

export interface EventBusDeps {
  readonly queues: Queues;
  readonly faults: Faults;
  readonly stats: Stats;
  readonly warn: (message: string) => void;
}

export function createEventBus(
  buses: readonly Resource[],
  rules: readonly Resource[],
  deps: EventBusDeps,
): EventBus {
  const rulesByBus = new Map<string, Rule[]>([["default", []]]);
  for (const bus of buses) {
    readProperties(bus, { Name: z.string() }, ["Description", "Policy", "Tags"]);
    rulesByBus.set(bus.ref, []);
  }
  for (const resource of rules) {
    const rule = readRule(resource, deps.queues);
    const list = rulesByBus.get(rule.bus);
    if (list === undefined) throw new Error(`rule ${rule.name} is on ${rule.bus}, which is no bus`);
    list.push(rule);
  }
  return {
    publish(entry) {
      const result = deps.queues.transaction(() => accept(entry, rulesByBus, deps));
      if ("ErrorCode" in result) deps.warn(`an event is lost: ${result.ErrorMessage}`);
    },
    operations: {
      "AWSEvents.PutEvents": (input) => putEvents(input, rulesByBus, deps),
      "AWSEvents.DescribeEventBus": ({ Name = "default" }) => {
        const name = busName(String(Name));
        if (!rulesByBus.has(name)) {
          throw new AwsError("ResourceNotFoundException", `Event bus ${name} does not exist.`);
        }
        return { Name: name, Arn: `arn:aws:events:${region}:${account}:event-bus/${name}` };
      },
    },
  };
}

function putEvents(
  input: Record<string, unknown>,
  rulesByBus: ReadonlyMap<string, readonly Rule[]>,
  deps: EventBusDeps,
) {
  const entries = readEntries(input);
  const fault = deps.faults.onPutEvents(entries.length);
  // One transaction: every queue has every message on disk before an entry is called accepted.
  const results = deps.queues.transaction(() =>
    entries.map((entry, index): EntryResult => {
      if (fault.failedEntries.has(index)) {
        return { ErrorCode: "ThrottlingException", ErrorMessage: "injected by a fault" };
      }
      if (fault.lostEntries.has(index)) return { EventId: randomUUID() };
      return accept(entry, rulesByBus, deps);
    }),
  );
  if (fault.dropResponse) throw new DropConnection();
  if (fault.hang) throw new HangConnection();
  const FailedEntryCount = results.filter((result) => "ErrorCode" in result).length;
  deps.stats.eventsAccepted += results.length - FailedEntryCount;
  return { FailedEntryCount, Entries: results };
}

function accept(
  entry: Entry,
  rulesByBus: ReadonlyMap<string, readonly Rule[]>,
  deps: EventBusDeps,
): EntryResult {
  for (const name of ["Source", "DetailType", "Detail"] as const) {
    if (typeof entry[name] === "string" && entry[name] !== "") continue;
    const reason = `${name} is a required argument.`;
    return {
      ErrorCode: "InvalidArgument",
      ErrorMessage: `Parameter ${name} is not valid. Reason: ${reason}`,
    };
  }
  const detail = parseDetail(String(entry.Detail));
  if (detail === undefined) {
    return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
  }
  const bus = busName(String(entry.EventBusName ?? "default"));
  const event = makeEvent(entry, detail);
  if (!rulesByBus.has(bus)) {
    // AWS answers the same way and drops the event.
    deps.warn(`an event was put on the bus ${bus}, which does not exist; it is lost`);
    return { EventId: event.id };
  }
  const undelivered = deliverToBus(bus, event, rulesByBus, deps);
  if (undelivered === undefined) return { EventId: event.id };
  return { ErrorCode: "InternalFailure", ErrorMessage: undelivered };
}

/** Delivers to every matching target; says what could neither be delivered nor dead-lettered. */
function deliverToBus(
  bus: string,
  event: BusEvent,
  rulesByBus: ReadonlyMap<string, readonly Rule[]>,
  deps: EventBusDeps,
): string | undefined {
  let lost: string | undefined;
  for (const rule of rulesByBus.get(bus) ?? []) {
    if (!rule.matches(event.fields)) continue;
    for (const target of rule.targets) {
      const destination = target.destination;
      const failure =
        "bus" in destination
          ? deliverToBus(destination.bus, event, rulesByBus, deps)
          : deliver(rule, target, event, deps);
      lost ??= failure;
    }
  }
  return lost;
}

function deliver(
  rule: Rule,
  target: Target,
  event: BusEvent,
  deps: EventBusDeps,
): string | undefined {
  const { destination, deadLetters } = target;
  if ("bus" in destination) return undefined;
  try {
    if (deps.faults.refuses(destination.name)) {
      throw new MessageRefused("INJECTED_FAULT", `${destination.name} refuses, by a fault`);
    }
    destination.send(target.input(event.text, event.fields));
    return undefined;
  } catch (error) {
    if (!(error instanceof MessageRefused)) throw error;
    const failure = `${destination.name} refused an event of rule ${rule.name}: ${error.message}`;
    deps.warn(failure);
    deps.stats.undeliveredEvents += 1;
    return deadLetters === undefined ? failure : bury(deadLetters, rule, target, event, error);
  }
}

function bury(
  deadLetters: NonNullable<Target["deadLetters"]>,
  rule: Rule,
  target: Target,
  event: BusEvent,
  error: MessageRefused,
): string | undefined {
  const text = (StringValue: string) => ({ DataType: "String", StringValue });
  try {
    deadLetters.send(event.text, {
      RULE_ARN: text(rule.arn),
      TARGET_ARN: text(target.arn),
      ERROR_CODE: text(error.code),
      ERROR_MESSAGE: text(error.message),
    });
    return undefined;
  } catch (refusal) {
    if (!(refusal instanceof MessageRefused)) throw refusal;
    return `${deadLetters.name} refused it as well: ${refusal.message}`;
  }
}
