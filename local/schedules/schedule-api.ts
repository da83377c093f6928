import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { AwsError, type RestOperation, type RestRequest } from "../aws-json-server.ts";
import { parseSchedule } from "../schedule-expression.ts";
import { readProperties } from "../templates/properties.ts";
import { account, region } from "../templates/resource-types.ts";
import type { Resource } from "../templates/resources.ts";
import { readScheduleInput, type ScheduleInput } from "./input.ts";
import { type Schedules, startSchedules } from "./run-schedules.ts";
import { openScheduleStore, type ScheduleStore, type StoredSchedule } from "./store.ts";
import { deliveryTo, type TargetDeps } from "./targets.ts";

export interface ScheduleApi extends Schedules {
  /** EventBridge Scheduler's operations on schedules. */
  readonly operations: readonly RestOperation[];
}

export interface ScheduleApiDeps extends TargetDeps {
  readonly database: DatabaseSync;
  /** Off: schedules run only when they are fired, for tests that own the clock. */
  readonly automatic: boolean;
}

const defaultPage = 100;
const onePath = /^\/schedules\/(?<name>[^/]+)$/;

/** One-off schedules: made, changed and deleted by programs, while the copy runs. */
export function openScheduleApi(groups: readonly Resource[], deps: ScheduleApiDeps): ScheduleApi {
  const groupNames = new Set(["default"]);
  for (const group of groups) {
    readProperties(group, { Name: z.string().optional() }, ["Tags"]);
    groupNames.add(group.ref);
  }
  const store = openScheduleStore(deps.database);
  const schedules = startSchedules(store, deps);

  const read = ({ path, json }: RestRequest, nowMs: number) => {
    const { name = "" } = path;
    const input = readScheduleInput(name, json());
    checkGroup(groupNames, input.GroupName);
    deliveryTo(input.Target, deps);
    const arn = `arn:aws:scheduler:${region}:${account}:schedule/${input.GroupName}/${name}`;
    const at = { createdAtMs: nowMs, modifiedAtMs: nowMs };
    return { group: input.GroupName, name, arn, input, dueMs: dueOf(input, nowMs), ...at };
  };
  const find = ({ path, query }: RestRequest): StoredSchedule => {
    const group = query.get("groupName") ?? "default";
    const found = store.get(group, path.name ?? "");
    if (found !== undefined) return found;
    throw new AwsError("ResourceNotFoundException", `Schedule ${path.name} does not exist.`, 404);
  };
  const keep = (schedule: StoredSchedule) => {
    store.put(schedule);
    schedules.wake();
    return { ScheduleArn: schedule.arn };
  };

  const create = (request: RestRequest) => {
    const schedule = read(request, Date.now());
    const existing = store.get(schedule.group, schedule.name);
    if (existing === undefined) return keep(schedule);
    // The same request, sent again because its answer was lost.
    const { ClientToken: token } = schedule.input;
    if (token !== undefined && token === existing.input.ClientToken) {
      return { ScheduleArn: existing.arn };
    }
    throw new AwsError("ConflictException", `Schedule ${schedule.name} already exists.`, 409);
  };
  const update = (request: RestRequest) => {
    const next = read(request, Date.now());
    request.query.set("groupName", next.group);
    return keep({ ...next, createdAtMs: find(request).createdAtMs });
  };
  return {
    ...schedules,
    operations: [
      { method: "POST", path: onePath, run: create },
      { method: "PUT", path: onePath, run: update },
      { method: "GET", path: onePath, run: (request) => describe(find(request)) },
      {
        method: "DELETE",
        path: onePath,
        run(request) {
          const { group, name } = find(request);
          store.delete(group, name);
          return {};
        },
      },
      { method: "GET", path: /^\/schedules$/, run: ({ query }) => list(query, store, groupNames) },
    ],
  };
}

function checkGroup(groupNames: ReadonlySet<string>, name: string): void {
  if (groupNames.has(name)) return;
  throw new AwsError("ResourceNotFoundException", `Schedule group ${name} does not exist.`, 404);
}

function dueOf({ State, ScheduleExpression }: ScheduleInput, nowMs: number): number | undefined {
  let dueMs: number | undefined;
  try {
    dueMs = parseSchedule(ScheduleExpression)(0);
  } catch (error) {
    throw new AwsError("ValidationException", (error as Error).message);
  }
  // To the second, as times are written.
  if (dueMs === undefined || dueMs < nowMs - 1_000) {
    throw new AwsError("ValidationException", `${ScheduleExpression} is in the past`);
  }
  return State === "ENABLED" ? dueMs : undefined;
}

function describe({ name, arn, input, createdAtMs, modifiedAtMs }: StoredSchedule) {
  const { ClientToken: _token, ...properties } = input;
  return {
    Name: name,
    Arn: arn,
    CreationDate: createdAtMs / 1000,
    LastModificationDate: modifiedAtMs / 1000,
    ScheduleExpressionTimezone: "UTC",
    ...properties,
  };
}

function list(query: URLSearchParams, store: ScheduleStore, groupNames: ReadonlySet<string>) {
  const group = query.get("ScheduleGroup");
  if (group !== null) checkGroup(groupNames, group);
  const state = query.get("State");
  const fitting = store
    .list()
    .filter((one) => group === null || one.group === group)
    .filter(({ name }) => name.startsWith(query.get("NamePrefix") ?? ""))
    .filter(({ input }) => state === null || input.State === state);
  const start = Number(query.get("NextToken") ?? 0);
  const end = start + Number(query.get("MaxResults") ?? defaultPage);
  const Schedules = fitting.slice(start, end).map((schedule) => {
    const { Arn, Name, GroupName, State, CreationDate, LastModificationDate, Target } =
      describe(schedule);
    const times = { CreationDate, LastModificationDate };
    return { Arn, Name, GroupName, State, ...times, Target: { Arn: Target.Arn } };
  });
  return { Schedules, ...(end < fitting.length && { NextToken: String(end) }) };
}
