import { micros } from "../../core/values/micros.ts";
import type { Coverage, InjectedFault } from "./faults.ts";
import { prngOf } from "./prng.ts";
import { comeToRest, presentAtDedupeHorizon, presentEverythingAgain } from "./quiescence.ts";
import { playScenario, startOf } from "./scenario.ts";
import type { Mutant } from "./wiring.ts";
import { World } from "./world.ts";

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly coverage: Coverage;
  readonly engagements: number;
}

interface SeedOptions {
  readonly mutant?: Mutant | undefined;
  /** Instead of the usual mix of faults: only these. */
  readonly rates?: Partial<Record<InjectedFault, number>> | undefined;
  readonly onTrace?: ((line: string) => void) | undefined;
}

const dayMs = 86_400_000;

/** One whole life of the system: its story, its coming to rest, and everything once more. */
export async function runSeed(
  seed: number,
  { mutant, rates, onTrace }: SeedOptions = {},
): Promise<SeedResult> {
  const prng = prngOf(`world ${seed}`);
  const world = new World({
    ...{ seed: String(seed), mutant, rates, onTrace },
    startMs: startOf(prng),
    countWorkers: prng.int(1, 4),
    settleWorkers: prng.int(1, 4),
    batchSize: prng.pick([1, 2, 5, 1_000]),
    rules: {
      minMicros: micros(prng.pick([0n, 0n, 5_000n])),
      maxWaitMs: prng.pick([60_000, dayMs]),
      traffic: prng.pick([
        { maxPerReaderHour: 1_000, maxPerReaderDay: 1_000, tokenBurst: 1_000 },
        { maxPerReaderHour: 5, maxPerReaderDay: 8, tokenBurst: 2 },
        { maxPerReaderHour: 3, maxPerReaderDay: 20, tokenBurst: 3 },
      ]),
      holdMs: prng.int(1, 3) * dayMs,
      poolOpenMs: prng.pick([1, 6, 30]) * 3_600_000,
      minPayoutMicros: micros(prng.pick([10_000n, 1_000_000n])),
      payoutDay: prng.pick([1, 1, 28]),
    },
  });
  try {
    const poison = await playScenario(world);
    await comeToRest(world, poison);
    if (world.oracle.violations.length === 0) await presentEverythingAgain(world, poison);
    if (seed % 4 === 0) await presentAtDedupeHorizon(world, poison);
  } catch (error) {
    world.oracle.violated(`the world broke: ${error instanceof Error ? error.stack : error}`);
  }
  const { violations, answeredKeys } = world.oracle;
  return { seed, violations, coverage: world.faults.coverage, engagements: answeredKeys };
}

/** What to do with a seed that failed. */
export function describeFailure({ seed, violations }: SeedResult): string {
  const most = 12;
  const more = violations.length > most ? [`… and ${violations.length - most} more`] : [];
  return [
    `seed ${seed} violates what must hold:`,
    ...violations.slice(0, most).map((violation) => `  ${violation}`),
    ...more,
    `replay with a trace: SEED=${seed} npx vitest run test/simulation/seeds`,
  ].join("\n");
}
