import { limits } from "../contracts/limits.ts";
import type { Admission } from "../jobs/request-job.ts";
import { type Problem, problems } from "../perimeter/problem.ts";
import { type Clock, dayMs, lengthInDays, type UtcDay, utcDayOf } from "../values/time.ts";
import type { ExportPayload } from "./export-source.ts";

interface Deps {
  readonly clock: Clock;
  /** How long single engagements are remembered. */
  readonly dedupeTtlDays: number;
}

/** Looks at an export's days before it is accepted. @throws Problem 400 that says which to change. */
export function admitExport({ clock, dedupeTtlDays }: Deps): Admission {
  return async (payload) => {
    const { from, to, creatorId } = payload as unknown as ExportPayload;
    if (from > to) throw refusal("from", `${from} is after ${to}, the day in "to"; exchange them`);
    const days = lengthInDays({ from: from as UtcDay, to: to as UtcDay });
    if (days > limits.maxRangeDays) {
      throw refusal("to", `${days} days are too many; send at most ${limits.maxRangeDays}`);
    }
    const oldest = utcDayOf(clock.nowMs() - (dedupeTtlDays - 1) * dayMs);
    if (creatorId === undefined && from < oldest) {
      const detail = `single engagements from before ${oldest} are forgotten; start there`;
      throw refusal("from", `${detail}, or ask for one creator's with creatorId`);
    }
    return payload;
  };
}

function refusal(name: string, detail: string): Problem {
  const field = `payload.${name}`;
  return problems.invalid(`${field}: ${detail}.`, [{ field, detail }]);
}
