import { randomUUID } from "node:crypto";
import { AwsError } from "../aws-json-server.ts";
import { account, region } from "../templates/resource-types.ts";

const maxEntries = 10;
/** All entries of one call together, in bytes. */
const maxRequestBytes = 1_048_576;

export interface Entry {
  readonly Source?: unknown;
  readonly DetailType?: unknown;
  readonly Detail?: unknown;
  readonly EventBusName?: unknown;
  readonly Resources?: unknown;
  readonly Time?: unknown;
}

export interface BusEvent {
  readonly id: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function readEntries({ Entries }: Record<string, unknown>): Entry[] {
  if (!Array.isArray(Entries) || Entries.length === 0 || Entries.length > maxEntries) {
    throw new AwsError(
      "ValidationException",
      "1 validation error detected: Value at 'entries' failed to satisfy constraint: " +
        `Member must have length between 1 and ${maxEntries}`,
    );
  }
  const bytes = Entries.reduce((sum: number, entry: Entry) => sum + entryBytes(entry), 0);
  if (bytes > maxRequestBytes) {
    throw new AwsError(
      "ValidationException",
      "Total size of the entries in the request is over the limit.",
    );
  }
  return Entries as Entry[];
}

/** The size that EventBridge bills and limits: 14 for a time, and the bytes of the texts. */
function entryBytes(entry: Entry): number {
  const texts = [entry.Source, entry.DetailType, entry.Detail];
  const resources = Array.isArray(entry.Resources) ? entry.Resources : [];
  return [...texts, ...resources].reduce<number>(
    (sum, text) => sum + (typeof text === "string" ? Buffer.byteLength(text) : 0),
    entry.Time === undefined ? 0 : 14,
  );
}

export function parseDetail(text: string): Record<string, unknown> | undefined {
  try {
    const detail: unknown = JSON.parse(text);
    if (typeof detail !== "object" || detail === null || Array.isArray(detail)) return undefined;
    return detail as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

export function makeEvent(entry: Entry, detail: Record<string, unknown>): BusEvent {
  const id = randomUUID();
  const time = entry.Time === undefined ? new Date() : new Date(Number(entry.Time) * 1000);
  const envelope = {
    version: "0",
    id,
    "detail-type": entry.DetailType,
    source: entry.Source,
    account,
    time: `${time.toISOString().slice(0, 19)}Z`,
    region,
    resources: Array.isArray(entry.Resources) ? entry.Resources : [],
  };
  // The detail's own text is kept: numbers beyond 2^53 survive, and large details cost no copy.
  const text = `${JSON.stringify(envelope).slice(0, -1)},"detail":${entry.Detail}}`;
  return { id, text, fields: { ...envelope, detail } };
}
