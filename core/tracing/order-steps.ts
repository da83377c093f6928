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

/** What one would expect to see and does not, in words. */
export function missingIn(steps: readonly TraceStep[], samplePercent: number): string[] {
  return [...unknownBefore(steps, samplePercent), ...silentAttempts(steps), ...untaken(steps)];
}

/** Steps that follow from one that left no record; an edge's is its caller's own. */
function unknownBefore(steps: readonly TraceStep[], samplePercent: number): string[] {
  const known = new Set(steps.map(({ spanId }) => spanId));
  const orphans = steps.filter(
    ({ event, parentId }) => event !== undefined && parentId !== undefined && !known.has(parentId),
  );
  const names = [...new Set(orphans.map(({ service, event }) => `${service} (${event})`))];
  return names.map(
    (name) =>
      `What came before ${name} was not kept: it went well and is not in the sample ` +
      `(${samplePercent} %), or its function was killed before it could tell.`,
  );
}

/** Whoever ends tells of it: an attempt without a record was killed or ran out of time. */
function silentAttempts(steps: readonly TraceStep[]): string[] {
  const byMessage = Map.groupBy(
    steps.filter(({ attempt }) => attempt !== undefined),
    ({ service, ids }) => `${service} ${ids?.messageId}`,
  );
  return [...byMessage.values()].flatMap((attempts) => {
    const seen = new Set(attempts.map(({ attempt }) => attempt));
    const last = Math.max(...attempts.map(({ attempt = 1 }) => attempt));
    const silent = Array.from({ length: last }, (_, index) => index + 1).filter(
      (attempt) => !seen.has(attempt),
    );
    const [first] = attempts;
    if (silent.length === 0 || !first) return [];
    return (
      `Of ${first.service}, ${silent.length === 1 ? "attempt" : "attempts"} ${silent.join(", ")} ` +
      "left no record: killed, out of time or memory, or given back by Lambda untouched."
    );
  });
}

function untaken(steps: readonly TraceStep[]): string[] {
  return steps.flatMap(({ spanId, service, put = {} }) =>
    Object.keys(put).flatMap((event) => {
      const taken = steps.some((one) => one.parentId === spanId && one.event === event);
      if (taken) return [];
      return (
        `Nobody has told of the ${event} that ${service} put on the bus: it waits in a queue, is ` +
        "being worked on, or nothing here listens to it."
      );
    }),
  );
}
