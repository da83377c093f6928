import type { Json } from "../jobs/job.ts";
import { problems } from "../perimeter/problem.ts";
import { canonicalJson } from "../values/canonical-json.ts";

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

/**
 * What was masked in `edited` is taken from `original`, at the same place.
 * @param shown the original as it was shown: it tells which elements of a list are left.
 * @throws Problem 400 when that cannot be told: another reader's values must not take their place.
 */
export function unmask(edited: Json, original?: Json, shown?: Json): Json {
  if (edited === masked && original !== undefined) return original;
  if (edited === masked) throw problems.invalid(`body: ${masked} stands for no value: send one.`);
  if (Array.isArray(edited)) {
    const [from, seen] = [listOf(original), listOf(shown)];
    const places = placesIn(edited, seen);
    return edited.map((one: Json, at) => unmask(one, from[places(at)], seen[places(at)]));
  }
  if (!isObject(edited)) return edited;
  const [from, seen] = [objectOf(original), objectOf(shown)];
  const entries = Object.entries(edited);
  return Object.fromEntries(
    entries.map(([name, one]) => [name, unmask(one, from[name], seen[name])]),
  );
}

/** Where each element of a list stood before; one that is nowhere else was changed where it stands. */
function placesIn(edited: readonly Json[], shown: readonly Json[]): (at: number) => number {
  const [before, now] = [placesByText(shown), placesByText(edited)];
  const textOfMask = JSON.stringify(masked);
  return (at) => {
    const text = canonicalJson(edited[at]);
    const [alike = [], ofThem = []] = [before.get(text), now.get(text)];
    const stayed = alike.includes(at) || alike.length === 0;
    if (edited.length === shown.length && stayed) return at;
    if (!text.includes(textOfMask)) return -1;
    const place = alike.length === ofThem.length ? alike[ofThem.indexOf(at)] : undefined;
    if (place !== undefined) return place;
    const which = alike.length === 0 ? "is none of those that were shown" : "looks like another";
    throw problems.invalid(
      `body: element ${at} of a list ${which}, so what is ${masked} in it cannot be told. Leave out ` +
        "or move elements as they were shown, and change others in a second edit.",
    );
  };
}

function placesByText(list: readonly Json[]): ReadonlyMap<string, readonly number[]> {
  return Map.groupBy(list.keys(), (at) => canonicalJson(list[at]));
}

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);
const objectOf = (value: Json | undefined) => (isObject(value) ? value : {});

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
