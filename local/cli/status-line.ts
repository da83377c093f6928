import type { Cloud } from "../cloud.ts";

/** Metrics that functions publish, summed since the start: of readers, without the canary's views. */
const countedMetric = "EngagementsRecorded";
const settledMetric = "MicrosSettled";

export interface StatusLine {
  /** Prints a message above the line. */
  print(message: string): void;
  stop(): void;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const redrawEveryMs = 250;
const printEveryMs = 3_000;

/** Shows what flows: redrawn on a terminal; elsewhere a line when something changed. */
export function startStatusLine(cloud: Cloud, output: Output = process.stdout): StatusLine {
  const redraws = output.isTTY === true;
  const clear = redraws ? "\r\u001b[2K" : "";
  let shown = redraws ? "" : describe(cloud);
  const show = () => {
    const line = describe(cloud);
    if (line === shown) return;
    shown = line;
    if (redraws) output.write(`${clear}${line.slice(0, (output.columns ?? 100) - 1)}`);
    else output.write(`${line}\n`);
  };
  const timer = setInterval(show, redraws ? redrawEveryMs : printEveryMs);
  show();
  return {
    print(message) {
      output.write(`${clear}${message}\n`);
      if (redraws) output.write(shown);
    },
    stop() {
      clearInterval(timer);
      show();
      if (redraws) output.write("\n");
    },
  };
}

function describe(cloud: Cloud): string {
  let waiting = 0;
  let working = 0;
  let dead = 0;
  const polled = new Set(cloud.polledQueues);
  for (const [name, { visible, delayed, inFlight }] of Object.entries(cloud.queueDepths())) {
    if (polled.has(name)) {
      waiting += visible + delayed;
      working += inFlight;
    } else dead += visible + delayed + inFlight;
  }
  const { requests, responses, metrics } = cloud.stats;
  const failed = responses["5xx"] ?? 0;
  return `since the start: ${[
    `requests ${number(requests)}${failed > 0 ? ` (${number(failed)} failed)` : ""}`,
    `queued ${number(waiting)}`,
    `in flight ${number(working)}`,
    `counted ${number(metrics[countedMetric] ?? 0)}`,
    `settled ${dollars.format((metrics[settledMetric] ?? 0) / 1e6)}`,
    ...(dead > 0 ? [`dead letters ${number(dead)}`] : []),
  ].join(" · ")}`;
}

const dollars = new Intl.NumberFormat("en-US", {
  ...{ style: "currency", currency: "USD", minimumFractionDigits: 6 },
});

function number(value: number): string {
  return value.toLocaleString("en-US");
}
