import type { AcceptedEngagement } from "../contracts/events.ts";
import { chunk } from "../values/group-by.ts";
import { dayMs } from "../values/time.ts";
import type { Presentation } from "./count-once.ts";
import { type ImpressionKey, type ReaderDay, readerDayIn } from "./impression-key.ts";
import { noHistory, type ReaderDayHistory, type ReaderHistory } from "./reader-history.ts";

/** An engagement as it came in, and which request and view token it came with. */
export interface Presented {
  readonly key: ImpressionKey;
  readonly engagement: AcceptedEngagement;
  readonly presentation: Presentation | undefined;
  readonly acceptedAtMs: number;
}

type Histories = ReadonlyMap<ReaderDay, ReaderDayHistory>;

/** How a set remembers that a request presented a token again. */
const remembered = ({ token, request }: Presentation) => `${token} ${request}`;
const tokenOf = (text: string) => text.slice(0, text.indexOf(" "));

/** Of one reader and day: enough to tell any burst, and a set that stays small. */
const maxRemembered = 1_000;
/** Longer than a browser may report, after which no request can present the day's tokens. */
const memoryMs = 7 * dayMs;
const writesAtOnce = 64;

/**
 * How often one view token was presented for one and the same thing, by different requests: the most
 * of any token of a reader and day, remembered ones included. What is new is remembered.
 */
export async function notePresentedAgain(
  { history, nowMs }: { readonly history: ReaderHistory; readonly nowMs: number },
  presented: readonly Presented[],
  histories: Histories,
): Promise<ReadonlyMap<ReaderDay, number>> {
  const most = new Map<ReaderDay, number>();
  const fresh: (readonly [ReaderDay, string[]])[] = [];
  for (const [day, again] of presentedAgain(presented, histories)) {
    const known = histories.get(day)?.presentedBy ?? noHistory.presentedBy;
    most.set(day, mostOfOneToken(new Set([...known, ...again])));
    const unknown = [...again].filter((text) => !known.has(text));
    const room = Math.max(0, maxRemembered - known.size);
    if (unknown.length > 0 && room > 0) fresh.push([day, unknown.slice(0, room)]);
  }
  for (const part of chunk(fresh, writesAtOnce)) {
    await Promise.all(
      part.map(([day, texts]) => history.addPresentedBy(day, texts, nowMs + memoryMs)),
    );
  }
  return most;
}

/** The requests of the token that was presented by most of them. */
export function mostOfOneToken(presentedBy: ReadonlySet<string>): number {
  const requests = new Map<string, number>();
  for (const text of presentedBy)
    requests.set(tokenOf(text), (requests.get(tokenOf(text)) ?? 0) + 1);
  return Math.max(0, ...requests.values());
}

/** Requests that presented a view token for the same thing, where it was not only one. */
function presentedAgain(
  presented: readonly Presented[],
  histories: Histories,
): Map<ReaderDay, Set<string>> {
  const requestsOf = new Map<string, Set<string>>();
  const again = new Map<ReaderDay, Set<string>>();
  for (const { key, presentation } of presented) {
    if (!presentation) continue;
    const day = readerDayIn(key);
    const recorded = histories.get(day)?.recorded.get(key)?.presentation;
    const id = `${key} ${presentation.token}`;
    const requests = requestsOf.get(id) ?? new Set<string>();
    requestsOf.set(id, requests);
    if (recorded?.token === presentation.token) requests.add(remembered(recorded));
    requests.add(remembered(presentation));
    if (requests.size < 2) continue;
    const ofDay = again.get(day) ?? new Set<string>();
    for (const request of requests) ofDay.add(request);
    again.set(day, ofDay);
  }
  return again;
}
