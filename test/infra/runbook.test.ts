import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Resource, resourcesOf, shortName } from "./support/resources.ts";
import { removeSynthesized, synthesize } from "./support/synthesize.ts";

const runbook = readFileSync(join(import.meta.dirname, "..", "..", "docs", "runbook.md"), "utf8");
const sections = new Map(
  runbook
    .split(/^(?=#{1,6} )/m)
    .map((section) => [anchorOf(section.split("\n")[0] ?? ""), section] as const),
);

let plain: Resource[];
let composites: Resource[];
let alarms: Resource[];
let topics: string[];
beforeAll(() => {
  const { all } = synthesize("local");
  plain = resourcesOf(all, "AWS::CloudWatch::Alarm");
  composites = resourcesOf(all, "AWS::CloudWatch::CompositeAlarm");
  alarms = [...plain, ...composites];
  topics = resourcesOf(all, "AWS::SNS::Topic").map(({ id }) => id);
});
afterAll(removeSynthesized);

/** The anchor that a heading gets. */
function anchorOf(heading: string): string {
  const text = heading.replace(/^#+ /, "").toLowerCase();
  return text.replace(/[^\w\- ]/g, "").replace(/ /g, "-");
}

test("every alarm links a section that describes, investigates and resolves", () => {
  expect(alarms.length).toBeGreaterThan(10);
  for (const { properties } of alarms) {
    const description: string = properties.AlarmDescription;
    const anchor = /docs\/runbook\.md#([\w-]+)$/.exec(description)?.[1] ?? "";
    const section = sections.get(anchor);
    expect(section, description).toBeDefined();
    expect(section).toContain("**Description.**");
    expect(section).toContain("**Investigation.**");
    expect(section).toContain("**Resolution.**");
  }
});

test("every alarm section belongs to an alarm", () => {
  const descriptions = alarms.map(({ properties }) => properties.AlarmDescription as string);
  const linked = [...new Set(descriptions.map((text) => text.split("#")[1]))];
  const written = [...sections].filter(([, text]) => text.includes("**Resolution.**"));
  // Queues of one kind share theirs.
  expect(written.map(([anchor]) => anchor).sort()).toEqual([...new Set(linked)].sort());
});

test("asks for no other tool than ours and the CDK", () => {
  expect(runbook).not.toMatch(/(^|`|\$\()aws [a-z0-9]+ /m);
  // For these there are commands.
  expect(runbook).not.toMatch(/v1\/admin\/(alarms|audit|dead-letters|proof|queues|traces)/);
});

test("every alarm tells someone, when it rings and when it is over", () => {
  const tops = composites.filter(({ id }) => summaries.includes(shortNameOf(id)));
  expect(tops).toHaveLength(2);
  for (const { id, properties } of [...plain, ...tops]) {
    for (const actions of [properties.AlarmActions, properties.OKActions]) {
      expect(JSON.stringify(actions), id).toMatch(new RegExp(topics.join("|")));
    }
  }
});

const summaries = ["money-at-risk", "users-waiting"];
const shortNameOf = (id: string) =>
  shortName(alarms.find((one) => one.id === id)?.properties.AlarmName ?? "");

/** Names of the alarms that a summary rings with, by way of its areas. */
function summedUpBy(name: string): string[] {
  const found = composites.find(({ properties }) => properties.AlarmName === name);
  if (!found) return [name];
  const { AlarmRule } = found.properties;
  const names = [...AlarmRule.matchAll(/ALARM\("([^"]+)"\)/g)].map(([, child]) => String(child));
  // CloudWatch takes no more.
  expect(names.length, name).toBeLessThanOrEqual(100);
  expect(AlarmRule.length, name).toBeLessThanOrEqual(10_240);
  return names.flatMap(summedUpBy);
}

test("every alarm is summed up by exactly one of two", () => {
  const summedUp = summaries.flatMap((name) => summedUpBy(`pennyline-local-${name}`));
  expect(summedUp.sort()).toEqual(plain.map(({ properties }) => properties.AlarmName).sort());
});

test("what moves money puts money at risk, and what users wait for does not", () => {
  const money = summedUpBy("pennyline-local-money-at-risk");
  for (const name of [
    "count-engagements-dead-letters",
    "settle-earnings-not-running",
    "settle-creator-lag",
    "pay-creators-undelivered",
    "audit-money-difference",
    "run-canary-failure",
    "engagements-shed",
  ]) {
    expect(money).toContain(`pennyline-local-${name}`);
  }
  for (const name of [
    "api-latency",
    "work-shed",
    "run-draft-save-errors",
    "deliver-webhook-backlog",
  ]) {
    expect(money).not.toContain(`pennyline-local-${name}`);
  }
});
