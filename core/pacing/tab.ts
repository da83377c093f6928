import type { Rate } from "./rate-limiter.ts";

/**
 * What one environment remembers of one caller. Requests are let through on a tab, and charged to the
 * bucket that all environments share once the tab is full: who asks for little costs no write, and
 * who asks for much costs one in many. Wrong by what stands on tabs, either way: see docs/adr/0020.
 */
export interface Tab {
  /** Units that were let through and are not charged yet, at `atMs`. */
  readonly owed: number;
  readonly atMs: number;
  /** When the shared bucket is full again, as far as was heard. */
  readonly fullAtMs: number;
  /** Every request is refused until then. */
  readonly refusedUntilMs: number;
}

export const newTab: Tab = { owed: 0, atMs: 0, fullAtMs: 0, refusedUntilMs: 0 };

/** Of the burst, in percent. Fifty environments with full tabs are wrong by one burst. */
const tabPercent = 2;
/** A page reports a view, a read and a reaction: a reader of one page is never worth a write. */
const usualTab = 3;

/** What stands on one tab at most. */
export function tabSize({ burst }: Rate): number {
  const size = Math.max(usualTab, Math.floor((burst * tabPercent) / 100));
  return Math.min(size, Math.floor(burst / 2));
}

/** The most that one request may cost: more could never be charged together with a full tab. */
export const maxCost = (rate: Rate): number => rate.burst - tabSize(rate);

/**
 * What is on a tab is forgiven at a thousandth of the rate, and so are slow callers. An account runs
 * a thousand environments unless it asks for more: all of them together forgive the rate once.
 */
const forgivenPart = 1 / 1_000;

/** Retry-After is in seconds; and refusals must not cost more than what they refuse. */
export const leastRefusalMs = 1_000;

export type Entry =
  /** Let it through. */
  | { readonly kind: "noted"; readonly tab: Tab }
  | { readonly kind: "refused" }
  /** So many have to be charged first, this request's among them. */
  | { readonly kind: "due"; readonly units: number };

/** @param cost at most `maxCost`. */
export function enter(before: Tab, cost: number, rate: Rate, nowMs: number): Entry {
  if (before.refusedUntilMs > nowMs) return { kind: "refused" };
  const forgiven = afterForgiving(before, rate, nowMs);
  const tab = { ...forgiven, owed: forgiven.owed + cost };
  // What the bucket is known not to hold is asked for at once: alone, an environment is exact.
  const fits = tab.owed <= tabSize(rate) && leftOn(tab, rate, nowMs) >= 0;
  return fits ? { kind: "noted", tab } : { kind: "due", units: Math.ceil(tab.owed) };
}

function afterForgiving(tab: Tab, rate: Rate, nowMs: number): Tab {
  const elapsedMs = Math.max(0, nowMs - tab.atMs);
  const forgiven = (elapsedMs / 1_000) * rate.perSecond * forgivenPart;
  return { ...tab, owed: Math.max(0, tab.owed - forgiven), atMs: nowMs };
}

/** What was due is charged. @param fullInMs when the shared bucket is full again. */
export function chargedTab(fullInMs: number, nowMs: number): Tab {
  return { owed: 0, atMs: nowMs, fullAtMs: nowMs + fullInMs, refusedUntilMs: 0 };
}

/** What was due, of which a request's own cost was the last part, is more than the bucket holds. */
export interface Refusal {
  readonly units: number;
  readonly cost: number;
  readonly retryAfterMs: number;
}

/**
 * What is owed stays on the tab. The refusal is remembered if it holds for a request of one unit, too:
 * whoever sends large ones must not keep its neighbours out, who share an address.
 */
export function refusedTab(before: Tab, refusal: Refusal, rate: Rate, nowMs: number): Tab {
  const msOf = (units: number) => (units / rate.perSecond) * 1_000;
  const { units, cost, retryAfterMs } = refusal;
  const oneFitsInMs = retryAfterMs - msOf(cost - 1);
  return {
    ...afterForgiving(before, rate, nowMs),
    fullAtMs: nowMs + retryAfterMs + msOf(rate.burst - units),
    refusedUntilMs: oneFitsInMs > 0 ? nowMs + Math.max(oneFitsInMs, leastRefusalMs) : 0,
  };
}

/** How a caller stands, as far as this environment knows. */
export interface Standing {
  /** Units that may be had at once. */
  readonly left: number;
  /** When the whole burst may be had again. */
  readonly fullInMs: number;
}

export function standingOf(before: Tab, rate: Rate, nowMs: number): Standing {
  const tab = afterForgiving(before, rate, nowMs);
  const left = tab.refusedUntilMs > nowMs ? 0 : Math.max(0, Math.floor(leftOn(tab, rate, nowMs)));
  return { left, fullInMs: fullInMs(tab, rate, nowMs) };
}

/** Below 0: more is owed than the shared bucket held when it was heard of last. */
function leftOn(tab: Tab, rate: Rate, nowMs: number): number {
  return rate.burst - (fullInMs(tab, rate, nowMs) * rate.perSecond) / 1_000;
}

function fullInMs(tab: Tab, rate: Rate, nowMs: number): number {
  return Math.max(0, tab.fullAtMs - nowMs) + (tab.owed * 1_000) / rate.perSecond;
}
