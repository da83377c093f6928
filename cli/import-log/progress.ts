import { printable } from "../text.ts";

export interface Progress {
  /** A phase's state; `fraction` of 0 to 1 when it is known. */
  show(phase: string, detail: string, fraction?: number): void;
  /** One line that stays. */
  note(text: string): void;
  /** Leaves the terminal clean. */
  end(): void;
}

interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const barWidth = 24;
const redrawMs = 100;
const lineEveryMs = 10_000;

/** A bar that redraws itself on a terminal; elsewhere a line at the start of a phase and now and then. */
export function progressOn(terminal: Terminal, nowMs: () => number): Progress {
  let lastMs = Number.NEGATIVE_INFINITY;
  let lastPhase = "";
  let drawn = false;
  const clear = () => {
    if (drawn) terminal.write("\r\x1b[2K");
    drawn = false;
  };
  return {
    show(phase, detail, fraction) {
      const isNew = phase !== lastPhase;
      const every = terminal.isTTY ? redrawMs : lineEveryMs;
      if (!isNew && nowMs() - lastMs < every) return;
      [lastMs, lastPhase] = [nowMs(), phase];
      if (!terminal.isTTY) {
        const percent = fraction === undefined ? "" : ` ${Math.floor(fraction * 100)} %`;
        terminal.write(`${phase}${isNew ? "" : `${percent} ${detail}`}\n`);
        return;
      }
      const text = `${phase} ${fraction === undefined ? "" : `${bar(fraction)} `}${detail}`;
      terminal.write(`\r\x1b[2K${text.slice(0, (terminal.columns ?? 80) - 1)}`);
      drawn = true;
    },
    note(text) {
      clear();
      terminal.write(`${printable(text)}\n`);
    },
    end: clear,
  };
}

function bar(fraction: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * barWidth);
  return `[${"█".repeat(full)}${"·".repeat(barWidth - full)}] ${Math.floor(fraction * 100)} %`;
}
