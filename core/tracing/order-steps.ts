import type { TraceStep } from "./trace-step.ts";

/** A step and how deep it stands below the first. */
export interface PlacedStep {
  readonly step: TraceStep;
  readonly depth: number;
}

/**
 * Each step below the one that it follows from, by time. One whose predecessor is not known stands at
 * the top; so does each of a circle, which only a caller who makes up ids can bring about.
 */
export function inOrder(steps: readonly TraceStep[]): PlacedStep[] {
  const sorted = [...steps].sort((a, b) => a.atMs - b.atMs);
  const known = new Set(sorted.map(({ spanId }) => spanId));
  const below = Map.groupBy(sorted, ({ parentId }) =>
    parentId !== undefined && known.has(parentId) ? parentId : "",
  );
  const placed = new Map<TraceStep, PlacedStep>();
  const place = (step: TraceStep, depth: number) => {
    // Without recursion: a trace may be a long chain.
    const waiting = [{ step, depth }];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      if (placed.has(next.step)) continue;
      placed.set(next.step, next);
      const { depth: at } = next;
      const children = below.get(next.step.spanId) ?? [];
      waiting.push(...children.toReversed().map((child) => ({ step: child, depth: at + 1 })));
    }
  };
  for (const step of below.get("") ?? []) place(step, 0);
  for (const step of sorted) place(step, 0);
  return [...placed.values()];
}
