import { engagementsAccepted, settlementDue } from "../../core/contracts/events.ts";
import type { CreatorId } from "../../core/contracts/ids.ts";
import { readBalance, readEarnings } from "../../core/earnings/read-earnings.ts";
import { settleEarnings } from "../../core/earnings/settle-earnings.ts";
import {
  acceptPublisherEngagements,
  acceptTokenEngagements,
} from "../../core/engagements/accept-engagements.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";
import { Problem } from "../../core/perimeter/problem.ts";
import type { Micros } from "../../core/values/micros.ts";
import { continueTrace } from "../../core/values/trace-context.ts";
import type { Item } from "./expressions.ts";
import { Faults, type InjectedFault } from "./faults.ts";
import {
  type CrashPlan,
  Invocation,
  type Outcome,
  type Role,
  type Surroundings,
} from "./invocation.ts";
import { Oracle } from "./oracle.ts";
import { type Prng, prngOf } from "./prng.ts";
import { SimulatedBus } from "./simulated-bus.ts";
import { SimulatedQueue } from "./simulated-queue.ts";
import { SimulatedTables } from "./simulated-table.ts";
import { VirtualClock } from "./virtual-clock.ts";
import {
  countDeliveries,
  type Mutant,
  partsFor,
  settleNamedCreators,
  tableNames,
  type Wiring,
} from "./wiring.ts";
import { WorkerPool } from "./worker-pool.ts";

export interface WorldOptions {
  readonly seed: string;
  readonly startMs: number;
  /** Only these faults, at these rates; left out: the seed's own mix. */
  readonly rates?: Partial<Record<InjectedFault, number>> | undefined;
  readonly crashPlan?: CrashPlan | undefined;
  readonly mutant?: Mutant | undefined;
  readonly countWorkers?: number;
  readonly settleWorkers?: number;
  readonly batchSize?: number;
  readonly minMicros?: bigint;
  readonly maxWaitMs?: number;
  readonly onTrace?: ((line: string) => void) | undefined;
}

export type Parts = ReturnType<typeof partsFor>;

const edgeTimeoutMs = 10_000;
const workerTimeoutMs = 60_000;
const settleEveryMs = 60_000;
const edgeAttempts = 4;

/** The whole system on simulated infrastructure. One seed decides everything that happens in it. */
export class World {
  readonly prng: Prng;
  readonly clock: VirtualClock;
  readonly faults: Faults;
  readonly oracle: Oracle;
  readonly tables: SimulatedTables;
  readonly bus: SimulatedBus;
  readonly countQueue: SimulatedQueue;
  readonly settleQueue: SimulatedQueue;
  readonly around: Surroundings;
  readonly trace: (line: () => string) => void;
  readonly #wiring: Wiring;
  readonly #chance: Prng;
  #busyUntilMs = 0;
  #schedulerRuns = false;

  constructor(options: WorldOptions) {
    this.prng = prngOf(options.seed);
    this.#chance = this.prng.fork("infrastructure");
    const [clock, prng] = [new VirtualClock(options.startMs), this.#chance];
    this.clock = clock;
    const { onTrace } = options;
    const trace = (line: () => string) =>
      onTrace?.(`${new Date(clock.nowMs()).toISOString()} ${line()}`);
    this.trace = trace;
    const faults = new Faults(this.prng.fork("faults"), options.rates);
    this.faults = faults;
    this.oracle = new Oracle(faults, () => clock.nowMs());
    this.around = {
      ...{ clock, faults, prng, trace, crashPlan: options.crashPlan },
      ...{ ioCalls: new Map(), outageUntilMs: new Map() },
    };
    this.tables = new SimulatedTables({
      ...{ clock, prng, faults },
      onWrite: (written) => {
        this.oracle.written(written);
        if (written.table === tableNames.earningsCountersTable) this.#keepScheduling();
        this.#settleAmidWrites(written.after);
        this.#readAmidWrites(String(written.after.pk));
      },
      onHeld: (keys) => {
        for (const key of keys.slice(0, 2)) this.#readAmidWrites(key);
      },
    });
    this.countQueue = new SimulatedQueue("count-engagements", { clock, prng, faults, trace });
    this.settleQueue = new SimulatedQueue("settle-creator", { clock, prng, faults, trace });
    this.bus = new SimulatedBus({
      ...{ clock, prng, faults },
      onTaken: (event) => this.oracle.taken(event),
      deliver: ({ source, detailType }, body) => {
        for (const [contract, queue] of [
          [engagementsAccepted, this.countQueue],
          [settlementDue, this.settleQueue],
        ] as const) {
          if (source === contract.source && detailType === contract.detailType) queue.send(body);
        }
      },
    });
    this.#wiring = {
      ...{ tables: this.tables, bus: this.bus, faults, mutant: options.mutant ?? {} },
      minMicros: (options.minMicros ?? 0n) as Micros,
      maxWaitMs: options.maxWaitMs ?? 0,
    };
    this.#startWorkers(options);
  }

  #startWorkers({ countWorkers = 3, settleWorkers = 3, batchSize = 10 }: WorldOptions): void {
    const { around, faults } = this;
    new WorkerPool({
      ...{ around, faults, batchSize, role: "count-engagements", queue: this.countQueue },
      concurrency: countWorkers,
      windowMs: this.#chance.pick([0, 20, 1_000]),
      work: (by, deliveries, deadlineMs) =>
        countDeliveries(this.#wiring, by, deliveries, deadlineMs),
    });
    const underSettlement = new Map<CreatorId, number>();
    new WorkerPool({
      ...{ around, faults, role: "settle-creator", queue: this.settleQueue },
      ...{ concurrency: settleWorkers, batchSize: this.#chance.pick([1, 10]), windowMs: 0 },
      work: (by, deliveries, deadlineMs) =>
        settleNamedCreators(this.#wiring, by, deliveries, deadlineMs, underSettlement),
    });
  }

  invoke<Value>(
    role: Role,
    timeoutMs: number,
    work: (parts: Parts, by: Invocation) => Promise<Value>,
  ): Promise<Outcome<Value>> {
    const by = new Invocation(this.around, role);
    return by.run(timeoutMs, () => work(partsFor(this.#wiring, by), by));
  }

  /** Something an operator or the publisher does until it is done. */
  async insist<Value>(work: (parts: Parts, by: Invocation) => Promise<Value>): Promise<Value> {
    for (let attempt = 0; attempt < 500; attempt += 1) {
      const result = await this.invoke("auditor", workerTimeoutMs, work);
      if (result.outcome === "done") return result.value;
      await this.clock.sleep(this.#chance.int(10, 5_000));
    }
    throw new Error("the world never let this through");
  }

  /** A client that sends the same body again when it got no good answer, and gives up at last. */
  async request(channel: "token" | "publisher", body: unknown): Promise<void> {
    for (let attempt = 0; attempt < edgeAttempts; attempt += 1) {
      if (attempt > 0) this.faults.met("requestSentAgain");
      const { traceparent } = continueTrace(undefined, (bytes) => this.#chance.hex(bytes));
      const result = await this.invoke("edge", edgeTimeoutMs, (parts) =>
        channel === "token"
          ? acceptTokenEngagements(parts, body, traceparent)
          : acceptPublisherEngagements(parts, body, traceparent),
      );
      if (result.outcome === "done") {
        this.oracle.answered(traceparent, result.value.accepted);
        return;
      }
      const error = result.outcome === "failed" ? result.error : undefined;
      if (error instanceof Problem && error.status < 500) return;
      if (this.#chance.chance(0.2)) return;
      await this.clock.sleep(this.#chance.int(100, 30_000));
    }
  }

  /** A settlement, late or doubled, comes while its creator's counters are being added to. */
  #settleAmidWrites({ pk }: Item): void {
    const creatorId = /^creator#(.*)$/.exec(String(pk))?.[1];
    if (creatorId === undefined || !this.faults.happens("settlementAmidWrites")) return;
    const { traceparent } = continueTrace(undefined, (bytes) => this.#chance.hex(bytes));
    const detail = JSON.stringify({ schemaVersion: 1, traceparent, creatorIds: [creatorId] });
    const times = this.#chance.int(1, 3);
    for (let time = 0; time < times; time += 1) this.bus.take({ ...settlementDue, detail });
  }

  /** Readers come when it hurts most: before, while and after a transaction's items change. */
  #readAmidWrites(key: string): void {
    if (!this.faults.happens("readAmidWrites")) return;
    const creatorId = /^creator#([^\0]*)/.exec(key)?.[1];
    if (creatorId === undefined || this.#chance.chance(0.3)) void this.prove();
    else void this.readBalance(creatorId as CreatorId);
  }

  /** EventBridge Scheduler: every minute, while anything moves; at rest it would do nothing. */
  #keepScheduling(): void {
    this.#busyUntilMs = this.clock.nowMs() + 2 * settleEveryMs;
    if (this.#schedulerRuns) return;
    this.#schedulerRuns = true;
    const tick = () => {
      if (this.clock.nowMs() > this.#busyUntilMs) {
        this.#schedulerRuns = false;
        return;
      }
      this.clock.at(this.clock.nowMs() + settleEveryMs, tick);
      if (this.faults.happens("schedulerSilent")) return;
      const times = this.faults.happens("schedulerTwice") ? 2 : 1;
      for (let time = 0; time < times; time += 1) void this.scheduleSettlement();
    };
    this.clock.at(this.clock.nowMs() + settleEveryMs, tick);
  }

  async scheduleSettlement(): Promise<void> {
    const { traceparent } = continueTrace(undefined, (bytes) => this.#chance.hex(bytes));
    await this.invoke("settle-earnings", workerTimeoutMs, ({ settlement, bus }) =>
      settleEarnings({ table: settlement, bus }, traceparent),
    );
  }

  /** Reads a balance as its creator would, and holds it against the truth. */
  async readBalance(creatorId: CreatorId): Promise<void> {
    const [sinceMs, tornBefore] = [this.clock.nowMs(), this.tables.tornSince(this.clock.nowMs())];
    const atLeast = this.oracle.earnedBy(this.tables, creatorId);
    const result = await this.invoke("auditor", edgeTimeoutMs, (parts) =>
      readBalance(parts, creatorId),
    );
    if (result.outcome !== "done") return;
    this.faults.met("balanceRead");
    if (tornBefore || this.tables.tornSince(sinceMs)) this.faults.met("balanceReadUnderTornCommit");
    const { settledMicros, pendingMicros } = result.value;
    const shown = BigInt(settledMicros) + BigInt(pendingMicros);
    const atMost = this.oracle.earnedBy(this.tables, creatorId);
    const about = () => `balance of ${creatorId}: ${settledMicros} + ${pendingMicros}`;
    this.oracle.expect(shown <= atMost, () => `${about()}, more than ${atMost} earned`);
    // The due list may lag: what it does not yet name is missing for that moment.
    const exact = this.faults.never("staleIndex");
    this.oracle.expect(!exact || shown >= atLeast, () => `${about()}, less than ${atLeast} earned`);
  }

  async readEarnings(creatorId: CreatorId): Promise<void> {
    const atLeast = this.oracle.earnedBy(this.tables, creatorId);
    const result = await this.invoke("auditor", edgeTimeoutMs, async ({ earnings }) => {
      let sum = 0n;
      let cursor: string | undefined;
      do {
        const page = await readEarnings(earnings, creatorId, { limit: 2, cursor });
        for (const { micros } of page.items) sum += BigInt(micros);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return sum;
    });
    if (result.outcome !== "done") return;
    const atMost = this.oracle.earnedBy(this.tables, creatorId);
    const within = atLeast <= result.value && result.value <= atMost;
    const about = `earnings of ${creatorId}: ${result.value}`;
    this.oracle.expect(within, () => `${about}, not in ${atLeast}..${atMost}`);
  }

  /** The proof must never cry wolf, however money moves meanwhile. */
  async prove(): Promise<void> {
    const result = await this.invoke("auditor", workerTimeoutMs, (parts) => proveMoney(parts));
    if (result.outcome !== "done") return;
    this.faults.met("proofDuringRun");
    const { ok, differences } = result.value;
    this.oracle.expect(ok, () => `false alarm of the proof: ${JSON.stringify(differences)}`);
  }
}
