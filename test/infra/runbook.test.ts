import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Resource, resourcesOf } from "./support/resources.ts";
import { removeSynthesized, synthesize } from "./support/synthesize.ts";

const runbook = readFileSync(join(import.meta.dirname, "..", "..", "docs", "runbook.md"), "utf8");
const sections = new Map(
  runbook
    .split(/^(?=#{1,6} )/m)
    .map((section) => [anchorOf(section.split("\n")[0] ?? ""), section] as const),
);

let alarms: Resource[];
let topics: string[];
beforeAll(() => {
  const { all } = synthesize("local");
  alarms = resourcesOf(all, "AWS::CloudWatch::Alarm");
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

test("every alarm tells someone, when it rings and when it is over", () => {
  for (const { id, properties } of alarms) {
    for (const actions of [properties.AlarmActions, properties.OKActions]) {
      expect(JSON.stringify(actions), id).toMatch(new RegExp(topics.join("|")));
    }
  }
});
