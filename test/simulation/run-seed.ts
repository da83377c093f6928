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
    minMicros: prng.pick([0n, 0n, 5_000n]),
    maxWaitMs: prng.pick([60_000, 86_400_000]),
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
