import { parentPort, workerData } from "node:worker_threads";
import { addCoverage, type Coverage, emptyCoverage } from "./faults.ts";
import { runSeed, type SeedResult } from "./run-seed.ts";

/** Every `step`-th seed from `first` to `last`. */
export interface SeedShare {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

export interface ShareResult {
  readonly seeds: number;
  readonly engagements: number;
  readonly coverage: Coverage;
  readonly failures: readonly SeedResult[];
}

const maxFailures = 3;

async function runShare({ first, last, step }: SeedShare): Promise<ShareResult> {
  const coverage = emptyCoverage();
  const failures: SeedResult[] = [];
  let seeds = 0;
  let engagements = 0;
  for (let seed = first; seed <= last && failures.length < maxFailures; seed += step) {
    const result = await runSeed(seed);
    seeds += 1;
    engagements += result.engagements;
    addCoverage(coverage, result.coverage);
    if (result.violations.length > 0) failures.push(result);
  }
  return { seeds, engagements, coverage, failures };
}

parentPort?.postMessage(await runShare(workerData as SeedShare));
