import { describe, expect, test } from "vitest";
import { compilePattern } from "../../../local/events/pattern.ts";

const event = {
  source: "pennyline.engagements",
  "detail-type": "EngagementsAccepted",
  resources: ["arn:one", "arn:two"],
  detail: { kind: "view", count: 5, nothing: null, tags: ["a", "b"], nested: { x: "A.Log" } },
};

const matching: Record<string, object> = {
  "exact value": { source: ["pennyline.engagements"] },
  "one of several": { source: ["other", "pennyline.engagements"] },
  "every field": { source: ["pennyline.engagements"], detail: { kind: ["view"] } },
  "an item of an array": { resources: ["arn:two"] },
  null: { detail: { nothing: [null] } },
  prefix: { source: [{ prefix: "pennyline." }] },
  "prefix, any case": { source: [{ prefix: { "equals-ignore-case": "PENNY" } }] },
  suffix: { detail: { nested: { x: [{ suffix: ".Log" }] } } },
  "equals-ignore-case": { detail: { nested: { x: [{ "equals-ignore-case": "a.lOG" }] } } },
  wildcard: { source: [{ wildcard: "penny*.eng*s" }] },
  "anything-but": { detail: { kind: [{ "anything-but": ["read"] }] } },
  "anything-but prefix": { detail: { kind: [{ "anything-but": { prefix: "re" } }] } },
  "numeric range": { detail: { count: [{ numeric: [">", 0, "<=", 5] }] } },
  exists: { detail: { kind: [{ exists: true }] } },
  "exists: false": { detail: { absent: [{ exists: false }] } },
  $or: { $or: [{ source: ["other"] }, { detail: { count: [5] } }] },
};

const failing: Record<string, object> = {
  "another value": { source: ["pennyline"] },
  "one field of two": { source: ["pennyline.engagements"], detail: { kind: ["read"] } },
  "an absent field": { detail: { absent: ["x"] } },
  "a number written as text": { detail: { count: ["5"] } },
  "anything-but on an absent field": { detail: { absent: [{ "anything-but": "x" }] } },
  "anything-but": { detail: { kind: [{ "anything-but": "view" }] } },
  "out of range": { detail: { count: [{ numeric: [">", 5] }] } },
  "exists: false on a present field": { detail: { kind: [{ exists: false }] } },
  "wildcard is anchored": { source: [{ wildcard: "penny" }] },
  "a dot is no wildcard": { detail: { nested: { x: [{ wildcard: "A?Log" }] } } },
  "neither side of $or": { $or: [{ source: ["other"] }, { detail: { count: [6] } }] },
};

describe("an event pattern", () => {
  test.each(Object.entries(matching))("matches: %s", (_name, pattern) => {
    expect(compilePattern(pattern)(event)).toBe(true);
  });

  test.each(Object.entries(failing))("does not match: %s", (_name, pattern) => {
    expect(compilePattern(pattern)(event)).toBe(false);
  });

  test.each([
    ["an unknown operator", { source: [{ regex: "x" }] }, /unknown operator regex/],
    ["cidr, which nothing here uses", { detail: { ip: [{ cidr: "10.0.0.0/8" }] } }, /cidr/],
    ["a bare value", { source: "x" }, /source is not an object/],
    ["no alternatives", { source: [] }, /source allows nothing/],
    ["an empty pattern", {}, /empty/],
  ])("is refused when it is compiled: %s", (_name, pattern, message) => {
    expect(() => compilePattern(pattern)).toThrow(message);
  });
});
