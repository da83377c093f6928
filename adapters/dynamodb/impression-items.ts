import type { ArticleGroupId } from "../../core/contracts/ids.ts";
import type { Credit, Decision, EngagementState } from "../../core/earnings/count-once.ts";
import type { ImpressionKey, ReaderDay } from "../../core/earnings/impression-key.ts";
import type { LineKey } from "../../core/earnings/line.ts";
import type { Micros } from "../../core/values/micros.ts";
import type { Item } from "./items.ts";

/** `<reader-day>/<what>`: the one is the partition, so that a reader's day is one query. */
export function impressionKeyItem(key: ImpressionKey) {
  const at = key.lastIndexOf("/");
  return { pk: key.slice(0, at), sk: key.slice(at + 1) };
}

export function impressionKeyOfItem({ pk, sk }: Item): ImpressionKey {
  return `${pk}/${sk}` as ImpressionKey;
}

// `!` sorts before every impression key, so that a page that is cut off still holds these.
const poolPrefix = "!pool#";

export function poolUseKey(day: ReaderDay, group: ArticleGroupId) {
  return { pk: day as string, sk: `${poolPrefix}${group}` };
}

export function presentedKey(day: ReaderDay) {
  return { pk: day as string, sk: "!presented" };
}

export const isPresentedItem = ({ sk }: Item) => sk === "!presented";

/** The group whose pool this item holds a reader's weight in, if it is such an item. */
export function poolOfItem({ sk }: Item): ArticleGroupId | undefined {
  const text = String(sk);
  return text.startsWith(poolPrefix)
    ? (text.slice(poolPrefix.length) as ArticleGroupId)
    : undefined;
}

export const seconds = (epochMs: number) => BigInt(Math.floor(epochMs / 1_000));

/** What is kept of an engagement: enough to tell why it was paid or not, and to undo it exactly. */
export function impressionItem(
  decision: Decision & { readonly shard: number },
  nowMs: number,
): Item {
  const { key, expiresAtMs, engagement, presentation } = decision;
  const { articleId, kind, occurredAtMs } = engagement;
  return {
    ...impressionKeyItem(key),
    ttl: seconds(expiresAtMs),
    articleId,
    kind,
    at: BigInt(occurredAtMs),
    counted: BigInt(nowMs),
    ...(presentation && { token: presentation.token, request: presentation.request }),
    ...(decision.outcome === "rejected"
      ? { state: "rejected", reason: decision.reason }
      : {
          state: decision.state,
          reason: decision.reason,
          day: decision.day,
          shard: BigInt(decision.shard),
          pool: decision.poolNumber === undefined ? undefined : BigInt(decision.poolNumber),
          credits: decision.credits.map(creditToItem),
        }),
  };
}

/** Short names: it is written once for each engagement. */
function creditToItem({ creatorId, line, total }: Credit): Item {
  const { micros, feeMicros, weight } = total;
  return {
    c: creatorId,
    l: line,
    ...(micros === 0n ? {} : { m: micros }),
    ...(feeMicros === 0n ? {} : { f: feeMicros }),
    ...(weight === 0n ? {} : { w: weight }),
  };
}

export function creditsOfItem({ credits }: Item): Credit[] {
  const zero = 0n as Micros;
  return ((credits ?? []) as Item[]).map(({ c, l, m, f, w }) => ({
    creatorId: c as Credit["creatorId"],
    line: l as LineKey,
    total: {
      count: 1n,
      micros: (m as Micros | undefined) ?? zero,
      feeMicros: (f as Micros | undefined) ?? zero,
      weight: (w as bigint | undefined) ?? 0n,
    },
  }));
}

export type StoredState = EngagementState | "rejected";
