import type { Json } from "../jobs/job.ts";

/** Stands for a value that operators need not see; sent back in an edit it stays what it was. */
export const masked = "[masked]";

/** What may be seen of each event beside its envelope: nobody's data, and no secret. */
const everywhere = ["schemaVersion", "traceparent", "type", "jobId", "version", "state"];
const visible: Readonly<Record<string, readonly string[]>> = {
  EngagementsAccepted: [
    ...["acceptedAtMs", "articleId", "kind", "occurredAtMs", "channel", "reaction"],
    ...["length", "moderation"],
  ],
  SettlementDue: ["creatorIds"],
  PayoutsDue: ["run", "creatorIds"],
  PayoutRequested: ["payoutId", "creatorId", "currency", "requestedAtMs"],
  ReviewRequested: ["reviewId", "segment", "segments"],
  JobRequested: [],
  JobChanged: ["changedAtMs"],
  BalanceChanged: ["creatorIds"],
  FanOutChunkDue: ["creatorId", "shard", "chunk", "giveUp"],
  MailReported: [],
  WebhookDue: ["deliveryId", "dueAtMs"],
  WebhookPingRequested: ["endpointId", "pingId", "requestedAtMs"],
  WebhookEndpointDisabled: ["endpointId", "reason", "disabledAtMs"],
  WebhookResendRequested: ["endpointId", "sinceMs", "requestedAtMs"],
  RedriveRequested: ["redriveId", "from"],
};
const envelope = new Set(["id", "source", "detail-type", "time", "account", "region", "version"]);
const nothing: ReadonlySet<string> = new Set();
const maxShown = 300;

/** A body as operators see it: its shape, and the values that a list of fields allows. */
export function maskBody(body: string): Json {
  const parsed = parse(body);
  if (!isObject(parsed)) return `${masked} (${body.length} characters, not an event)`;
  const type = parsed["detail-type"];
  const seen = new Set([...everywhere, ...visibleOf(type)]);
  return Object.fromEntries(
    Object.entries(parsed).map(([name, value]) => [
      name,
      name === "detail" ? mask(value, seen, false) : mask(value, nothing, envelope.has(name)),
    ]),
  );
}

/** Whatever somebody called an event, `constructor` too. */
function visibleOf(type: Json | undefined): readonly string[] {
  return typeof type === "string" && Object.hasOwn(visible, type) ? (visible[type] ?? []) : [];
}

function mask(value: Json, seen: ReadonlySet<string>, show: boolean): Json {
  if (Array.isArray(value)) return value.map((one: Json) => mask(one, seen, show));
  if (isObject(value)) {
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([name, one]) => [name, mask(one, seen, seen.has(name))]),
    );
  }
  return show && String(value).length <= maxShown ? value : masked;
}

/** What was masked in `edited` is taken from `original`, at the same place. */
export function unmask(edited: Json, original: Json | undefined): Json {
  if (edited === masked) return original === undefined ? edited : original;
  if (Array.isArray(edited)) {
    const from = Array.isArray(original) ? original : [];
    return edited.map((one: Json, at) => unmask(one, from[at]));
  }
  if (!isObject(edited)) return edited;
  const from = isObject(original) ? original : {};
  const entries = Object.entries(edited);
  return Object.fromEntries(entries.map(([name, one]) => [name, unmask(one, from[name])]));
}

export function parse(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return undefined;
  }
}

export function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
