import {
  heightOf,
  kindsOfWork,
  type Level,
  moneyPath,
  type Priority,
  type RaisedLevel,
  raisedLevels,
  type WorkKind,
  workKinds,
} from "../contracts/queued-work.ts";
import { type LevelLimits, type Look, nextLevel } from "./queue-level.ts";

/** A queue in which too much waits, or for too long. */
export interface QueuePressure extends Look {
  readonly level: RaisedLevel;
  /** Since when it has been at each level, or above. */
  readonly sinceMs: Readonly<Partial<Record<RaisedLevel, number>>>;
  readonly seenAtMs: number;
}

/** What was seen at the last look: all that a request has to know, in one small item. */
export interface Pressure {
  /** By name; a queue that is not here is at no level. */
  readonly queues: Readonly<Record<string, QueuePressure>>;
  /** When there may be room again. */
  readonly retryAfterSeconds: number;
}

/** Why a kind of work is not taken. */
export interface Refusal {
  readonly kind: WorkKind;
  readonly queue: string;
  readonly pressure: QueuePressure;
  readonly sinceMs: number;
}

/** What can wait is refused long before what cannot, and money last of all. */
const refusedFrom = {
  low: "soft",
  normal: "hard",
  money: "full",
} as const satisfies Record<Priority, RaisedLevel>;

/** What was seen so long ago says nothing: who watches has stopped, and must not stop the rest. */
const staleMs = 5 * 60_000;

export const isHeeded = (queue: QueuePressure, nowMs: number): boolean =>
  nowMs - queue.seenAtMs <= staleMs;

/** @param before as far as it is heeded. @returns undefined when the queue is at no level. */
export function judgeQueue(
  before: QueuePressure | undefined,
  look: Look,
  limits: LevelLimits,
  nowMs: number,
): QueuePressure | undefined {
  const level = nextLevel(before?.level ?? "none", look, limits);
  if (level === "none") return undefined;
  const reached = raisedLevels.filter((one) => heightOf(one) <= heightOf(level));
  const sinceMs = Object.fromEntries(reached.map((one) => [one, before?.sinceMs[one] ?? nowMs]));
  return { ...look, level, sinceMs, seenAtMs: nowMs };
}

/** Whether more of a kind would be too much: in its own queues, or where money has to get through. */
export function refusalOf(
  kind: WorkKind,
  { queues }: Pressure,
  nowMs: number,
): Refusal | undefined {
  const { priority, queues: own } = kindsOfWork[kind];
  const from = refusedFrom[priority];
  for (const queue of priority === "money" ? own : [...own, ...moneyPath]) {
    const pressure = queues[queue];
    if (!pressure || !isHeeded(pressure, nowMs)) continue;
    const sinceMs = pressure.sinceMs[from];
    if (sinceMs !== undefined) return { kind, queue, pressure, sinceMs };
  }
  return undefined;
}

/** All kinds of work that are not taken now. */
export function refusedNow(pressure: Pressure, nowMs: number): Refusal[] {
  return workKinds.flatMap((kind) => refusalOf(kind, pressure, nowMs) ?? []);
}

export interface QueueState {
  readonly level: Level;
  /** Kinds of work that are refused because of it. */
  readonly refused: readonly { readonly work: WorkKind; readonly since: string }[];
}

/** The level of one queue and what follows from it, as operators see it. */
export function stateOf(queue: string, seen: Pressure | undefined, nowMs: number): QueueState {
  const pressure = seen?.queues[queue];
  if (!pressure || !isHeeded(pressure, nowMs)) return { level: "none", refused: [] };
  const alone = { queues: { [queue]: pressure }, retryAfterSeconds: 0 };
  const refused = refusedNow(alone, nowMs).map(({ kind, sinceMs }) => ({
    work: kind,
    since: new Date(sinceMs).toISOString(),
  }));
  return { level: pressure.level, refused };
}
