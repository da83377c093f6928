import { type HoldReason, kindOf, type PricedKind, type VoidReason } from "../contracts/kinds.ts";
import type { EntryType } from "../ledger/entry.ts";
import type { UtcDay } from "../values/time.ts";

/** What a statement calls things. People read it who have never seen our API. */

const months = [
  ...["January", "February", "March", "April", "May", "June", "July", "August"],
  ...["September", "October", "November", "December"],
];

export function monthText(month: string): string {
  const [year, number] = month.split("-");
  return `${months[Number(number) - 1]} ${year}`;
}

export function dayText(day: UtcDay): string {
  const [, month, number] = day.split("-");
  return `${Number(number)} ${months[Number(month) - 1]?.slice(0, 3)}`;
}

/** `1–31 March 2026` */
export function periodText(month: string): string {
  const [year, number] = month.split("-").map(Number);
  return `1–${new Date(Date.UTC(year ?? 0, number ?? 0, 0)).getUTCDate()} ${monthText(month)}`;
}

/** `12 March 2026, 14:03 UTC` */
export function momentText(atMs: number): string {
  const [day = "", time = ""] = new Date(atMs).toISOString().split("T");
  return `${Number(day.slice(8))} ${monthText(day.slice(0, 7))}, ${time.slice(0, 5)} UTC`;
}

const kinds = {
  view: "Views",
  read: "Reads",
  reaction: "Reactions",
  comment: "Comments",
  search_visit: "Visits from search",
} as const;

/** `Reactions (clap)` */
export function kindText(kind: PricedKind): string {
  const [, detail] = kind.split(":");
  return detail === undefined ? kinds[kindOf(kind)] : `${kinds[kindOf(kind)]} (${detail})`;
}

export const reasonTexts: Record<HoldReason | VoidReason, string> = {
  over_rate: "more than one reader can read",
  token_reuse: "one page reported too often",
  unmoderated: "comment not approved yet",
  bot: "automated traffic",
  self_view: "own visits",
  comment_rejected: "comment rejected",
  reader_cap: "more than is paid for one reader",
  manual: "after a review",
};

export const typeTexts: Record<EntryType, string> = {
  settlement: "Earned",
  release: "Released",
  reversal: "Withdrawn",
  adjustment: "Adjustment",
  payout: "Payout requested",
  "payout-confirmation": "Payout arrived",
  "payout-failure": "Payout failed",
};
