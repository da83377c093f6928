import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { addCoverage, emptyCoverage, faultKinds } from "./faults.ts";
import { describeFailure, runSeed } from "./run-seed.ts";
import type { SeedShare, ShareResult } from "./seed-worker.ts";

/** `SEED=x` replays one seed and tells its story; `SEEDS=n` runs the first n. */
const replay = process.env.SEED;
const seeds = Number(process.env.SEEDS ?? 1_200);
/** In fewer seeds a rare fault may rightly not happen. */
const enoughToMeetEverything = 1_000;
const maxThreads = 8;

describe.skipIf(replay !== undefined)("the system under any mix of faults", () => {
  test(`${seeds} seeds: every key counted once, money adds up ` +
    "(P1 P2 Q1 Q2 Q4 Q7 Q8 Q11 Q12 D1 D2 D3 D4 S1 S2 S3 S4 S5 S6 S7)", {
    timeout: 60_000 + seeds * 400,
  }, async () => {
    const threads = Math.min(maxThreads, availableParallelism());
    const startedMs = performance.now();
    const shares = await Promise.all(
      Array.from({ length: threads }, (_, index) =>
        runShare({ first: index + 1, last: seeds, step: threads }),
      ),
    );
    const failures = shares.flatMap((share) => share.failures);
    expect(failures.map(describeFailure).join("\n\n")).toBe("");
    const coverage = emptyCoverage();
    for (const share of shares) addCoverage(coverage, share.coverage);
    const sum = (what: "seeds" | "engagements") =>
      shares.reduce((total, share) => total + share[what], 0);
    const seconds = (performance.now() - startedMs) / 1_000;
    process.stdout.write(
      `simulation: ${sum("seeds")} seeds in ${seconds.toFixed(1)} s, ` +
        `${sum("engagements")} impression keys; met: ` +
        `${faultKinds.map((kind) => `${kind} ${coverage[kind]}`).join(", ")}\n`,
    );
    expect(sum("seeds")).toBe(seeds);
    if (seeds < enoughToMeetEverything) return;
    expect(faultKinds.filter((kind) => coverage[kind] === 0)).toEqual([]);
  });
});

test.runIf(replay !== undefined)(`seed ${replay}, with its trace`, async () => {
  const onTrace = (line: string) => process.stdout.write(`${line}\n`);
  const result = await runSeed(Number(replay), { onTrace });
  expect(result.violations.length === 0 ? "" : describeFailure(result)).toBe("");
});

test("the same seed tells the same story, line by line", async () => {
  const story = async (seed: number) => {
    const lines: string[] = [];
    await runSeed(seed, { onTrace: (line) => lines.push(line) });
    return lines;
  };
  const [first, second, other] = [await story(7), await story(7), await story(8)];
  expect(first.length).toBeGreaterThan(50);
  expect(second).toEqual(first);
  expect(other).not.toEqual(first);
});

/** A thread runs the files as they are: Node strips their types. */
function runShare(share: SeedShare): Promise<ShareResult> {
  return new Promise((resolve, reject) => {
    const file = new URL("./seed-worker.ts", import.meta.url);
    const worker = new Worker(file, { workerData: share, execArgv: [] });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the simulation's thread ended with ${code}`)));
  });
}
