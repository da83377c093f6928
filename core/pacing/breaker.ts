/** When a breaker opens, and how it finds out that it may close. */
export interface BreakerRules {
  /** So many failures in a row open it. */
  readonly failuresToOpen: number;
  /** So does this share of failures, 0 to 1, among at least `minCalls` calls of a window. */
  readonly shareToOpen: number;
  readonly minCalls: number;
  readonly windowMs: number;
  /** How long it stays open at first; twice as long each time that a probe fails. */
  readonly coolDownMs: number;
  readonly maxCoolDownMs: number;
  /** Calls that are let through when it is half open; when all of them succeed, it closes. */
  readonly probes: number;
  /** A probe of which nothing was heard for so long is lost, and another one is let through. */
  readonly probeTimeoutMs: number;
}

interface Common {
  /** Since when it is in this state, ms since the epoch. */
  readonly sinceMs: number;
  /** Grows with each change of state: what comes of a call that began before it says nothing. */
  readonly epoch: number;
}

/** Whether to call a service that many workers call, by what came of the latest calls. */
export type Breaker =
  | (Common & {
      readonly state: "closed";
      readonly failuresInRow: number;
      readonly window: Window;
    })
  | (Common & {
      readonly state: "open";
      /** How often it opened since it was closed. */
      readonly openings: number;
      readonly probeAtMs: number;
    })
  | (Common & {
      readonly state: "half-open";
      readonly openings: number;
      readonly begun: number;
      readonly succeeded: number;
      /** From then on the probes are lost. */
      readonly probesUntilMs: number;
    });

interface Window {
  readonly startMs: number;
  readonly calls: number;
  readonly failures: number;
}

export type Admission =
  /** Make the call, and record what came of it with this `epoch`. */
  | { readonly kind: "admitted"; readonly epoch: number }
  | { readonly kind: "refused"; readonly retryAtMs: number };

export type CallOutcome = "succeeded" | "failed";

const noCalls = (nowMs: number): Window => ({ startMs: nowMs, calls: 0, failures: 0 });

export function closedBreaker(nowMs: number, epoch = 1): Breaker {
  return { state: "closed", sinceMs: nowMs, epoch, failuresInRow: 0, window: noCalls(nowMs) };
}

/** May a call be made now? `next` is what that makes of the breaker; none: nothing changes. */
export function admit(
  breaker: Breaker,
  rules: BreakerRules,
  nowMs: number,
): { readonly admission: Admission; readonly next?: Breaker } {
  const { epoch } = breaker;
  switch (breaker.state) {
    case "closed":
      return { admission: { kind: "admitted", epoch } };
    case "open":
      if (nowMs < breaker.probeAtMs) return refused(breaker.probeAtMs);
      return firstProbe(breaker, rules, nowMs);
    case "half-open":
      if (nowMs >= breaker.probesUntilMs) return firstProbe(breaker, rules, nowMs);
      if (breaker.begun >= rules.probes) return refused(breaker.probesUntilMs);
      return {
        admission: { kind: "admitted", epoch },
        next: { ...breaker, begun: breaker.begun + 1 },
      };
  }
}

const refused = (retryAtMs: number) => ({ admission: { kind: "refused", retryAtMs } as const });

function firstProbe(
  { epoch: before, openings }: Exclude<Breaker, { state: "closed" }>,
  { probeTimeoutMs }: BreakerRules,
  nowMs: number,
) {
  const epoch = before + 1;
  const next: Breaker = {
    ...{ state: "half-open", sinceMs: nowMs, epoch, openings, begun: 1, succeeded: 0 },
    probesUntilMs: nowMs + probeTimeoutMs,
  };
  return { admission: { kind: "admitted", epoch } as const, next };
}

/** What came of a call makes of the breaker; undefined: nothing. `random` is in [0, 1). */
export function recorded(
  breaker: Breaker,
  rules: BreakerRules,
  call: { readonly epoch: number; readonly outcome: CallOutcome },
  nowMs: number,
  random: () => number,
): Breaker | undefined {
  if (call.epoch !== breaker.epoch || breaker.state === "open") return undefined;
  const failed = call.outcome === "failed";
  if (breaker.state === "half-open") {
    if (failed) return opened(breaker.epoch, breaker.openings + 1, rules, nowMs, random);
    const succeeded = breaker.succeeded + 1;
    if (succeeded < rules.probes) return { ...breaker, succeeded };
    return closedBreaker(nowMs, breaker.epoch + 1);
  }
  const { startMs } = breaker.window;
  const before = nowMs - startMs < rules.windowMs ? breaker.window : noCalls(nowMs);
  const window = {
    ...before,
    calls: before.calls + 1,
    failures: before.failures + (failed ? 1 : 0),
  };
  const failuresInRow = failed ? breaker.failuresInRow + 1 : 0;
  const mostlyFailed =
    window.calls >= rules.minCalls && window.failures >= rules.shareToOpen * window.calls;
  if (failed && (failuresInRow >= rules.failuresToOpen || mostlyFailed)) {
    return opened(breaker.epoch, 1, rules, nowMs, random);
  }
  return { ...breaker, failuresInRow, window };
}

/** Doubles up to a ceiling; up to half as much again, so that breakers do not probe in step. */
function opened(
  epoch: number,
  openings: number,
  { coolDownMs, maxCoolDownMs }: BreakerRules,
  nowMs: number,
  random: () => number,
): Breaker {
  const leastMs = Math.min(maxCoolDownMs, coolDownMs * 2 ** (openings - 1));
  const probeAtMs = nowMs + Math.floor(leastMs * (1 + random() / 2));
  return { state: "open", sinceMs: nowMs, epoch: epoch + 1, openings, probeAtMs };
}
