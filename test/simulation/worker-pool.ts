import type { Delivery } from "../../core/messaging/delivery.ts";
import type { Faults } from "./faults.ts";
import { Invocation, type Role, type Surroundings } from "./invocation.ts";
import type { SimulatedQueue } from "./simulated-queue.ts";

interface Deps {
  readonly queue: SimulatedQueue;
  readonly around: Surroundings;
  readonly faults: Faults;
  readonly role: Role;
  readonly concurrency: number;
  readonly batchSize: number;
  readonly windowMs: number;
  /** @returns the ids of the deliveries that failed; when it throws, all did. */
  readonly work: (
    invocation: Invocation,
    deliveries: readonly Delivery[],
    deadlineMs: number,
  ) => Promise<readonly string[]>;
}

const timeoutMs = 60_000;
const answerMarginMs = 5_000;

/** Lambda polling a queue: batches, several workers at once, only failed items return. */
export class WorkerPool {
  readonly #deps: Deps;
  #running = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    deps.queue.onVisible(() => this.#wake());
  }

  #wake(): void {
    const { queue, concurrency, batchSize, windowMs, around } = this.#deps;
    if (this.#running >= concurrency) return;
    this.#running += 1;
    around.clock.at(around.clock.nowMs() + windowMs, () => {
      const deliveries = queue.receive(batchSize);
      if (deliveries.length === 0) {
        this.#running -= 1;
        return;
      }
      void this.#work(deliveries).finally(() => {
        this.#running -= 1;
        this.#wake();
      });
    });
  }

  async #work(deliveries: readonly Delivery[]): Promise<void> {
    const { around, queue, role, work, faults } = this.#deps;
    if (this.#running > 1) faults.met("workersSideBySide");
    const invocation = new Invocation(around, role);
    const deadlineMs = invocation.clock.nowMs() + timeoutMs - answerMarginMs;
    const result = await invocation.run(timeoutMs, () => work(invocation, deliveries, deadlineMs));
    if (result.outcome === "failed") around.trace(() => `${role} threw ${String(result.error)}`);
    if (result.outcome !== "done") return;
    const known = new Set(deliveries.map(({ id }) => id));
    // As Lambda does: an id it does not know fails the whole batch.
    if (!result.value.every((id) => known.has(id))) return;
    const failed = new Set(result.value);
    for (const { id } of deliveries) if (!failed.has(id)) queue.delete(id);
  }
}
