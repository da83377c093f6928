import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { EventContract } from "../../../core/contracts/events.ts";
import * as contracts from "../../../core/contracts/events.ts";
import { readEvent } from "../../../core/messaging/read-event.ts";

/**
 * Q12: what every version of every event looks like, frozen: `<detailType>.v<version>.json` holds its fields
 * and a sample with all of them. Messages wait for days, so a version that was once deployed never changes:
 * give the contract a new one, and put the old shape into its `older`.
 * FREEZE_EVENTS=1 writes the fields anew, for a version that was never deployed.
 */
interface Frozen {
  readonly fields: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
  /** What it says in today's words, where that is more than another version. */
  readonly today?: Readonly<Record<string, unknown>>;
}

const folder = join(import.meta.dirname, "../../fixtures/events");
type AnyContract = EventContract<z.ZodType>;

/** Every contract that events.ts exports, alone or in a record. */
const all = Object.values(contracts as Record<string, unknown>).flatMap((exported) => {
  const candidates = [exported, ...Object.values(exported as object)];
  return candidates.filter(
    (one): one is AnyContract => typeof one === "object" && one !== null && "detailType" in one,
  );
});
const versions = [...new Set(all)].flatMap((contract) => {
  const schemas = [contract.detail, ...(contract.older ?? []).map(({ detail }) => detail)];
  return schemas.map((schema) => {
    const json = jsonSchemaOf(schema);
    const version = versionOf(schema);
    const only = Object.entries(contract.where ?? {}).map(([field, [value]]) => [field, value]);
    const title = [contract.detailType, `v${version}`, ...only.map(([, value]) => value)].join(" ");
    const file = join(folder, `${contract.detailType}.v${version}.json`);
    return { title, file, contract, fields: fieldsOf(json).sort(), only: Object.fromEntries(only) };
  });
});

function jsonSchemaOf(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
}

function versionOf(schema: z.ZodType): unknown {
  const { schemaVersion } = jsonSchemaOf(schema).properties ?? {};
  return (schemaVersion as z.core.JSONSchema.BaseSchema | undefined)?.const;
}

/** "engagements[].comment? object": values, lengths and patterns may change, fields may not. */
function fieldsOf(schema: z.core.JSONSchema.BaseSchema, at = ""): string[] {
  const { properties, required = [], items } = schema;
  if (items !== undefined) return fieldsOf(items as z.core.JSONSchema.BaseSchema, `${at}[]`);
  return Object.entries(properties ?? {}).flatMap(([name, value]) => {
    const field = value as z.core.JSONSchema.BaseSchema;
    const path = `${at === "" ? "" : `${at}.`}${name}`;
    const kind = field.type ?? typeof (field.const ?? field.enum?.[0]);
    const optional = required.includes(name) ? "" : "?";
    return [`${path}${optional} ${kind}`, ...fieldsOf(field, path)];
  });
}

function pathsIn(value: unknown, at = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, `${at}[]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    const path = at === "" ? name : `${at}.${name}`;
    return [path, ...pathsIn(field, path)];
  });
}

function frozen(file: string, fields: readonly string[]): Frozen {
  const stored = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { detail: {} };
  if (process.env.FREEZE_EVENTS === undefined) return stored;
  const written = { ...stored, fields };
  writeFileSync(file, `${JSON.stringify(written, null, 2)}\n`);
  return written;
}

describe.each(versions)("$title", ({ file, contract, fields, only }) => {
  const { fields: known, detail, today } = frozen(file, fields);

  test("has the fields it always had", () => {
    expect(fields, `${file} says otherwise; see above`).toEqual(known);
  });

  test("has a sample with every field, which is still read, in today's words", () => {
    const paths = new Set(pathsIn(detail));
    expect(known.filter((field) => !paths.has(field.split(/\??(?: |$)/)[0] ?? ""))).toEqual([]);
    const { source, detailType } = contract;
    const body = { source, "detail-type": detailType, detail: { ...detail, ...only } };
    const { schemaVersion, ...rest } = readEvent(
      contract,
      JSON.stringify(body),
    ) as Frozen["detail"];
    const { schemaVersion: _, ...sample } = body.detail;
    expect(rest).toEqual(today ?? sample);
    expect(schemaVersion).toBe(versionOf(contract.detail));
  });
});

test("every version up to today's is kept, and no other", () => {
  expect(readdirSync(folder).sort()).toEqual(
    [...new Set(versions.map(({ file }) => file.slice(folder.length + 1)))].sort(),
  );
  for (const contract of all) {
    const older = (contract.older ?? []).length;
    expect(versionOf(contract.detail), contract.detailType).toBe(older + 1);
  }
});
