import { isbot } from "isbot";
import { judgeOccurredAt } from "../../core/engagements/engagement-window.ts";
import type { Clock } from "../../core/values/time.ts";
import type { Log } from "./open-log.ts";
import { type LogLine, parseCombinedLog } from "./parse-combined-log.ts";
import { readLines } from "./read-lines.ts";
import {
  type Selection,
  type SkipReason,
  selectVisit,
  skipReasons,
  type Visit,
} from "./select-visit.ts";
import { type Tally, tally } from "./tally.ts";

export interface BrokenLine {
  readonly number: number;
  readonly reason: string;
}

export interface ReadTotals {
  lines: number;
  /** Lines that are visits, however often a reader came. */
  visits: number;
  searchVisits: number;
  /** The first few, and how many in all. */
  readonly broken: BrokenLine[];
  brokenCount: number;
  /** The input ended before its end. */
  cutShort: boolean;
  readonly skipped: Record<SkipReason, number>;
  /** Visits that the API would refuse for their time, by its reason. */
  readonly refused: Tally;
  /** How old those are that are too old, the youngest and the oldest. */
  tooOldMs: { readonly least: number; readonly most: number } | undefined;
}

const brokenShown = 20;
/** Visits this close to the API's own limit are left to its clock. */
const clockSlackMs = 3_600_000;

export function newReadTotals(): ReadTotals {
  const none = Object.keys(skipReasons).map((reason) => [reason, 0]);
  return {
    lines: 0,
    visits: 0,
    searchVisits: 0,
    broken: [],
    brokenCount: 0,
    cutShort: false,
    skipped: Object.fromEntries(none),
    refused: tally(),
    tooOldMs: undefined,
  };
}

/** The time of the latest line that can be read, or undefined when there is none. */
export async function findLatestMs(
  log: Log,
  onBytes: (total: number) => void,
): Promise<number | undefined> {
  let latestMs: number | undefined;
  for await (const raw of readLines(log.read(onBytes))) {
    const parsed = "text" in raw ? parseCombinedLog(raw.text) : undefined;
    if (parsed?.ok) latestMs = Math.max(latestMs ?? parsed.line.timeMs, parsed.line.timeMs);
  }
  return latestMs;
}

/** The visits of a log as they stream by; `totals` is kept up to date with what was left out. */
export async function* readVisits(
  log: Log,
  settings: {
    readonly totals: ReadTotals;
    readonly shiftMs: number;
    readonly selection: Omit<Selection, "isBot">;
    readonly clock: Clock;
    readonly onBytes: (total: number) => void;
  },
): AsyncGenerator<Visit> {
  const { totals, shiftMs, clock } = settings;
  const select = visitSelector(settings.selection);
  for await (const raw of readLines(log.read(settings.onBytes))) {
    totals.lines += 1;
    const parsed = "text" in raw ? parseCombinedLog(raw.text) : undefined;
    if (!parsed?.ok) {
      const reason = "broken" in raw ? raw.broken : (parsed?.reason ?? "");
      totals.cutShort ||= "broken" in raw && raw.fatal;
      totals.brokenCount += 1;
      if (totals.broken.length < brokenShown) totals.broken.push({ number: raw.number, reason });
      continue;
    }
    const selected = select(parsed.line);
    if ("skipped" in selected) {
      totals.skipped[selected.skipped] += 1;
      continue;
    }
    totals.visits += 1;
    if (selected.visit.fromSearch) totals.searchVisits += 1;
    const timeMs = selected.visit.timeMs + shiftMs;
    const late = judgeOccurredAt(timeMs + clockSlackMs, clock.nowMs(), "publisher");
    if (late?.code !== "too_old") {
      yield { ...selected.visit, timeMs };
      continue;
    }
    // Certainly refused: sending it, and registering its article first, would be for nothing.
    totals.refused.add(`${late.code}: ${late.detail}`);
    const ageMs = clock.nowMs() - timeMs;
    const { least, most } = totals.tooOldMs ?? { least: ageMs, most: ageMs };
    totals.tooOldMs = { least: Math.min(least, ageMs), most: Math.max(most, ageMs) };
  }
}

const agentsRemembered = 10_000;

function visitSelector(selection: Omit<Selection, "isBot">) {
  const known = new Map<string, boolean>();
  const isBot = (userAgent: string) => {
    const remembered = known.get(userAgent);
    if (remembered !== undefined) return remembered;
    if (known.size >= agentsRemembered) known.clear();
    const verdict = isbot(userAgent);
    known.set(userAgent, verdict);
    return verdict;
  };
  return (line: LogLine) => selectVisit(line, { ...selection, isBot });
}
