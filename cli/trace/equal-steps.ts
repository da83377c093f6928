import type { Step } from "./read-trace.ts";

/** Steps that are told alike, as one line of a timeline; of most there is one. */
export interface StepGroup {
  /** Its own place, without the levels of those that were drawn together above it. */
  readonly depth: number;
  /** By time. */
  readonly steps: readonly [Step, ...Step[]];
}

interface Branch {
  readonly steps: [Step, ...Step[]];
  readonly below: Branch[];
}

/**
 * The steps of a timeline with equal ones drawn together: those that follow from the same step, and
 * those that follow from one another, as work that is put off again and again does.
 * @param steps each below the one it follows from, by `depth`.
 */
export function equalSteps(steps: readonly Step[]): StepGroup[] {
  const top: Branch[] = [];
  const path: Branch[] = [];
  for (const step of steps) {
    const branch: Branch = { steps: [step], below: [] };
    path.length = Math.min(path.length, step.depth);
    (path.at(-1)?.below ?? top).push(branch);
    path.push(branch);
  }
  const groups: StepGroup[] = [];
  // Without recursion: a trace may be a long chain.
  const left = drawnTogether(top)
    .map((branch) => ({ branch, depth: 0 }))
    .reverse();
  for (let next = left.pop(); next; next = left.pop()) {
    const { branch, depth } = next;
    const below = takeIn(branch);
    groups.push({ depth, steps: branch.steps });
    left.push(...below.map((one) => ({ branch: one, depth: depth + 1 })).reverse());
  }
  return groups;
}

/** Takes equal steps below into this one. @returns what is below then. */
function takeIn(branch: Branch): Branch[] {
  let below = drawnTogether(branch.below);
  for (;;) {
    const again = below.find((one) => isEqual(one, branch));
    if (!again) break;
    branch.steps.push(...again.steps);
    below = drawnTogether([...below.filter((one) => one !== again), ...again.below]);
  }
  branch.steps.sort((a, b) => a.offsetMs - b.offsetMs);
  return below;
}

/** Branches with equal steps as one, in the order of the first of each. */
function drawnTogether(branches: readonly Branch[]): Branch[] {
  const drawn = new Map<string, Branch>();
  for (const branch of branches) {
    const equal = drawn.get(likeness(branch.steps[0]));
    if (!equal) {
      drawn.set(likeness(branch.steps[0]), { steps: [...branch.steps], below: [...branch.below] });
      continue;
    }
    equal.steps.push(...branch.steps);
    equal.below.push(...branch.below);
  }
  return [...drawn.values()];
}

const isEqual = (a: Branch, b: Branch): boolean => likeness(a.steps[0]) === likeness(b.steps[0]);

/** All that is told of a step, but for times, attempts and its message. */
function likeness(step: Step): string {
  const { service, step: name, outcome, error, result, put, entries } = step;
  const { messageId: _, ...ids } = step.ids ?? {};
  return JSON.stringify([service, name, outcome, error, result, put, entries, ids]);
}
