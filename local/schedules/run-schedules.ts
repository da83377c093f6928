import type { ScheduleStore, StoredSchedule } from "./store.ts";
import { deliveryTo, type TargetDeps } from "./targets.ts";

export interface Schedules {
  /** Looks again for what is due next: something has changed. */
  wake(): void;
  /** Runs what is due at `nowMs`, and names it once every target was reached. */
  fireDue(nowMs: number): Promise<string[]>;
  stop(): Promise<void>;
}

const longestTimerMs = 2_147_483_647;

/**
 * Runs schedules when they are due. One is forgotten only after its target was reached, so a
 * killed process runs it again: at least once, as in AWS.
 */
export function startSchedules(
  store: ScheduleStore,
  deps: TargetDeps & { readonly automatic: boolean },
): Schedules {
  const stopping = new AbortController();
  const running = new Map<string, Promise<void>>();
  let timer: NodeJS.Timeout | undefined;

  const complete = (schedule: StoredSchedule) => {
    // Deleted or replaced in the meantime: that is what counts.
    const current = store.get(schedule.group, schedule.name);
    if (current?.modifiedAtMs !== schedule.modifiedAtMs) return;
    if (schedule.input.ActionAfterCompletion === "DELETE") {
      store.delete(schedule.group, schedule.name);
    } else store.put({ ...schedule, dueMs: undefined });
  };
  const fire = (schedule: StoredSchedule): Promise<void> => {
    try {
      const deliver = deliveryTo(schedule.input.Target, deps);
      const { reached, settled } = deliver(schedule, stopping.signal);
      const run = settled
        .then((done) => {
          if (done) complete(schedule);
        })
        .finally(() => running.delete(schedule.arn));
      running.set(schedule.arn, run);
      return reached;
    } catch (error) {
      // Its target is no longer in the templates.
      deps.warn(`schedule ${schedule.name} is given up: ${(error as Error).message}`);
      complete(schedule);
      return Promise.resolve();
    }
  };
  const fireDue = async (nowMs: number): Promise<string[]> => {
    const due = store.due(nowMs).filter(({ arn }) => !running.has(arn));
    await Promise.all(due.map(fire));
    return due.map(({ name }) => name);
  };
  const wake = () => {
    clearTimeout(timer);
    const dueMs = deps.automatic ? store.nextDueMs() : undefined;
    if (dueMs === undefined || stopping.signal.aborted) return;
    const waitMs = Math.min(Math.max(dueMs - Date.now(), 0), longestTimerMs);
    timer = setTimeout(() => void fireDue(Date.now()).finally(wakeLater), waitMs);
  };
  // What still runs stays due: it is looked at again in a moment, not at once.
  const wakeLater = () => {
    if (running.size === 0) return wake();
    timer = setTimeout(wake, 1_000);
  };
  wake();
  return {
    wake,
    fireDue,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await Promise.all(running.values());
    },
  };
}
