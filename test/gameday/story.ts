import { type AlarmBoard, rangSince, runbookOf } from "./alarms.ts";
import type { Until } from "./until.ts";

/** What a round tells, and when what happened (ms since the epoch). */
export interface Story {
  /** A sentence. */
  tell(text: string): void;
  /** What an operator asked, and what stood on the screen. */
  show(command: string, screen: readonly string[]): void;
  fault(what: string): void;
  /** Waits until the alarm rings. */
  alarm(name: string): Promise<void>;
  /** Noticed otherwise: whoever rings alarms is dead, too. */
  noticed(by: string, how: string): void;
  repaired(how: string): void;
  /** Waits until the alarm is over; what else must be well again has been waited for. */
  recovered(what: string): Promise<void>;
  readonly times: Times;
}

export interface Times {
  readonly faultMs: number;
  readonly noticedMs: number;
  readonly repairedMs: number;
  readonly recoveredMs: number;
  readonly noticedBy: string;
}

export interface StoryDeps {
  readonly board: AlarmBoard;
  readonly until: Until;
  readonly startedMs: number;
  readonly print: (line: string) => void;
}

const never = Number.NaN;
/** Of a screen: a log is read by people. */
const [mostLines, mostColumns] = [30, 140];

export function createStory({ board, until, startedMs, print }: StoryDeps): Story {
  const times = { faultMs: never, noticedMs: never, repairedMs: never, recoveredMs: never };
  let noticedBy = "";
  let ringing: string | undefined;
  const line = (mark: string, text: string, atMs = Date.now()) =>
    print(`${clock(atMs - startedMs)}  ${mark.padEnd(9)}  ${text}`);
  return {
    tell: (text) => line("", text),
    show(command, screen) {
      line("operator", `$ ${command}`);
      const shown = screen.filter((text) => text !== "").slice(0, mostLines);
      for (const text of shown) print(`${" ".repeat(18)}  | ${text.slice(0, mostColumns)}`);
      if (shown.length === mostLines) print(`${" ".repeat(18)}  | …`);
    },
    fault(what) {
      times.faultMs = Date.now();
      line("FAULT", what);
    },
    async alarm(name) {
      ringing = name;
      noticedBy = name;
      const { alarm, change } = await until(`the alarm ${name} rings`, async () => {
        const now = await board.get(name);
        const rang = rangSince(now, times.faultMs);
        const found = rang && { alarm: now, change: rang };
        return { found, seen: `${now.state}, ${now.reason}` };
      });
      times.noticedMs = Math.max(change.at.getTime(), times.faultMs);
      line("ALARM", `${name}: ${change.reason} (${runbookOf(alarm)})`, times.noticedMs);
    },
    noticed(by, how) {
      noticedBy = by;
      times.noticedMs = Date.now();
      line("NOTICED", how);
    },
    repaired(how) {
      times.repairedMs = Date.now();
      line("repaired", how);
    },
    async recovered(what) {
      if (ringing !== undefined) await untilOver(board, until, ringing);
      times.recoveredMs = Date.now();
      line("recovered", what);
    },
    get times() {
      return { ...times, noticedBy };
    },
  };
}

async function untilOver(board: AlarmBoard, until: Until, name: string): Promise<void> {
  await until(`the alarm ${name} is over`, async () => {
    const { state, reason } = await board.get(name);
    return { found: state === "ALARM" ? undefined : state, seen: `${state}, ${reason}` };
  });
}

/** `+1:05` */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return `+${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
