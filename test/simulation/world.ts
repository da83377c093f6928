import * as contracts from "../../core/contracts/events.ts";
import type { ArticleId, CreatorId } from "../../core/contracts/ids.ts";
import { pricePools } from "../../core/earnings/price-pools.ts";
import { readBalance } from "../../core/earnings/read-balance.ts";
import { readEarnings } from "../../core/earnings/read-earnings.ts";
import { releaseHolds } from "../../core/earnings/release-holds.ts";
import { settleEarnings } from "../../core/earnings/settle-earnings.ts";
import {
  acceptPublisherEngagements,
  acceptTokenEngagements,
} from "../../core/engagements/accept-engagements.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";
import { runPayouts } from "../../core/payouts/run-payouts.ts";
import { Problem } from "../../core/perimeter/problem.ts";
import { requestReview } from "../../core/reviews/request-review.ts";
import { micros } from "../../core/values/micros.ts";
import { utcDayOf } from "../../core/values/time.ts";
import { continueTrace } from "../../core/values/trace-context.ts";
import { earnedIn } from "./counter-check.ts";
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
import { PaymentProvider } from "./payment-provider.ts";
import { type Prng, prngOf } from "./prng.ts";
import { SimulatedBus } from "./simulated-bus.ts";
import { SimulatedQueue } from "./simulated-queue.ts";
import { SimulatedTables, type Written } from "./simulated-table.ts";
import { VirtualClock } from "./virtual-clock.ts";
import {
  countDeliveries,
  type Mutant,
  partsFor,
  payDeliveries,
  reviewDeliveries,
  type StageRules,
  settleDeliveriesWatched,
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
  readonly rules?: Partial<StageRules>;
  /** Holds and pools are looked after now and then, as they are by a schedule. */
  readonly looksAfterOthers?: boolean;
  readonly onTrace?: ((line: string) => void) | undefined;
}

/** Nobody is over any rate; money that is held waits for a day. */
const usualRules: StageRules = {
  minMicros: micros(0),
  maxWaitMs: 0,
  traffic: { maxPerReaderHour: 1_000, maxPerReaderDay: 1_000, tokenBurst: 1_000 },
  holdMs: 86_400_000,
  poolOpenMs: 6 * 3_600_000,
  minPayoutMicros: micros(10_000),
  payoutDay: 1,
};

export type Parts = ReturnType<typeof partsFor>;

const edgeTimeoutMs = 10_000;
const workerTimeoutMs = 60_000;
const endMarginMs = 12_000;
const mostLooks = 20;
const overdue = /hold is over|its day is over/;
const settleEveryMs = 60_000;
const lookEveryMs = 10 * 86_400_000;
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
  readonly reviewQueue: SimulatedQueue;
  readonly payQueue: SimulatedQueue;
  readonly provider: PaymentProvider;
  readonly rules: StageRules;
  readonly around: Surroundings;
  readonly trace: (line: () => string) => void;
  readonly #wiring: Wiring;
  readonly #chance: Prng;
  #busyUntilMs = 0;
  #schedulerRuns = false;
  #someoneLooks = false;
  #looks = 0;

  constructor(options: WorldOptions) {
    this.prng = prngOf(options.seed);
    this.#someoneLooks = options.looksAfterOthers === false;
    this.#chance = this.prng.fork("infrastructure");
    const [clock, prng] = [new VirtualClock(options.startMs), this.#chance];
    this.clock = clock;
    const { onTrace } = options;
    const trace = (line: () => string) =>
      onTrace?.(`${new Date(clock.nowMs()).toISOString()} ${line()}`);
    this.trace = trace;
    const faults = new Faults(this.prng.fork("faults"), options.rates, () => clock.nowMs());
    this.faults = faults;
    this.rules = { ...usualRules, ...options.rules };
    this.oracle = new Oracle(faults, () => clock.nowMs(), this.rules);
    this.around = {
      ...{ clock, faults, prng, trace, crashPlan: options.crashPlan },
      ...{ ioCalls: new Map(), outageUntilMs: new Map() },
    };
    this.tables = new SimulatedTables({
      ...{ clock, prng, faults },
      onWrite: (written) => this.#written(written),
      onHeld: (keys) => {
        for (const key of keys.slice(0, 2)) this.#readAmidWrites(key);
      },
    });
    const queue = (name: string) => new SimulatedQueue(name, { clock, prng, faults, trace });
    this.countQueue = queue("count-engagements");
    this.settleQueue = queue("settle-creator");
    this.reviewQueue = queue("apply-review");
    this.payQueue = queue("pay-creators");
    this.provider = new PaymentProvider(this, this.prng.fork("provider"));
    const queueOf = new Map<string, SimulatedQueue>([
      [contracts.engagementsAccepted.detailType, this.countQueue],
      [contracts.settlementDue.detailType, this.settleQueue],
      [contracts.reviewRequested.detailType, this.reviewQueue],
      [contracts.payoutsDue.detailType, this.payQueue],
    ]);
    this.bus = new SimulatedBus({
      ...{ clock, prng, faults },
      onTaken: (event) => this.oracle.taken(event),
      deliver: ({ detailType, detail }, body) => {
        queueOf.get(detailType)?.send(body);
        const { payoutRequested } = contracts;
        if (detailType === payoutRequested.detailType) this.provider.told(detail);
      },
    });
    const mutant = options.mutant ?? {};
    this.#wiring = { tables: this.tables, bus: this.bus, faults, mutant, rules: this.rules };
    this.#startWorkers(options);
  }

  get queues(): readonly SimulatedQueue[] {
    return [this.countQueue, this.settleQueue, this.reviewQueue, this.payQueue];
  }

  #startWorkers({ countWorkers = 3, settleWorkers = 3, batchSize = 10 }: WorldOptions): void {
    const { around, faults } = this;
    const few = () => this.#chance.pick([1, 10]);
    const settle = settleDeliveriesWatched(new Map<CreatorId, number>());
    new WorkerPool({
      ...{ around, faults, batchSize, role: "count-engagements", queue: this.countQueue },
      concurrency: countWorkers,
      windowMs: this.#chance.pick([0, 20, 1_000]),
      work: (by, deliveries, deadlineMs) => {
        this.oracle.working(by, deliveries);
        return countDeliveries(this.#wiring, by, deliveries, deadlineMs);
      },
    });
    for (const [role, queue, work] of [
      ["settle-creator", this.settleQueue, settle],
      ["apply-review", this.reviewQueue, reviewDeliveries],
      ["pay-creators", this.payQueue, payDeliveries],
    ] as const) {
      new WorkerPool({
        ...{ around, faults, role, queue, concurrency: settleWorkers, batchSize: few() },
        windowMs: 0,
        work: (by, deliveries, deadlineMs) => work(this.#wiring, by, deliveries, deadlineMs),
      });
    }
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
    const result = await this.persist("auditor", work);
    if (result instanceof Problem) throw result;
    return result;
  }

  /** The same request again, until it is answered: with what it asked for, or with a refusal. */
  async persist<Value>(
    role: Role,
    work: (parts: Parts, by: Invocation) => Promise<Value>,
  ): Promise<Value | Problem> {
    for (let attempt = 0; attempt < 500; attempt += 1) {
      const result = await this.invoke(role, workerTimeoutMs, work);
      if (result.outcome === "done") return result.value;
      const error = result.outcome === "failed" ? result.error : undefined;
      this.trace(() => `${role}: ${result.outcome} ${String(error ?? "")}`);
      if (error instanceof Problem && error.status < 500 && error.code !== "contended")
        return error;
      await this.clock.sleep(this.#chance.int(10, 5_000));
    }
    throw new Error("the world never let this through");
  }

  traceparent(): string {
    return continueTrace(undefined, (bytes) => this.#chance.hex(bytes)).traceparent;
  }

  /** A client that sends the same body again when it got no good answer, and gives up at last. */
  async request(channel: "token" | "publisher", body: unknown, userAgent?: string): Promise<void> {
    for (let attempt = 0; attempt < edgeAttempts; attempt += 1) {
      if (attempt > 0) this.faults.met("requestSentAgain");
      const traceparent = this.traceparent();
      const result = await this.invoke("edge", edgeTimeoutMs, (parts) =>
        channel === "token"
          ? acceptTokenEngagements({ ...parts, userAgent }, body, traceparent)
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

  #written(written: Written): void {
    this.oracle.written(written);
    const { table, after, before } = written;
    if (table === tableNames.earningsCountersTable) {
      this.#keepScheduling();
      this.#keepLookingAfterOthers();
    }
    if (!after) return;
    if (String(after.pk).startsWith("creator#")) {
      this.#othersAmidWrites(after, before === undefined);
    }
    this.#readAmidWrites(String(after.pk));
  }

  /** Whoever else moves money, late or doubled, comes while counters are being added to. */
  #othersAmidWrites({ pk }: Item, isNew: boolean): void {
    const creatorId = String(pk).slice("creator#".length) as CreatorId;
    const { settlementDue, payoutsDue } = contracts;
    const take = (contract: { source: string; detailType: string }, more: object) => {
      const detail = { schemaVersion: 1, traceparent: this.traceparent(), ...more };
      const times = this.#chance.int(1, 3);
      for (let time = 0; time < times; time += 1) {
        this.bus.take({ ...contract, detail: JSON.stringify(detail) });
      }
    };
    if (this.faults.happens("settlementAmidWrites"))
      take(settlementDue, { creatorIds: [creatorId] });
    if (this.faults.happens("payoutAmidWrites")) {
      take(payoutsDue, { run: this.month(), creatorIds: [creatorId] });
    }
    if (!isNew && this.faults.happens("releaseAmidWrites")) void this.releaseHolds();
    if (!isNew && this.faults.happens("pricingAmidWrites")) void this.pricePools();
    if (!isNew && this.faults.happens("reviewAmidWrites")) {
      const decision = this.#chance.pick(["void", "release"] as const);
      const today = utcDayOf(this.clock.nowMs());
      const yesterday = utcDayOf(this.clock.nowMs() - 86_400_000);
      const body = { decision, note: "all of it", from: yesterday, to: today };
      void this.review(body, `amid ${this.#chance.hex(4)}`);
    }
  }

  month(): string {
    return new Date(this.clock.nowMs()).toISOString().slice(0, 7);
  }

  async review(body: Parameters<typeof requestReview>[1], requestId: string): Promise<void> {
    await this.persist("request-review", ({ reviews: store, ...parts }) =>
      requestReview({ ...parts, store, measureUnrecorded: async () => undefined }, body, {
        requestedBy: "admin:a",
        requestId,
        traceparent: this.traceparent(),
      }),
    );
  }

  async releaseHolds(): Promise<void> {
    await this.invoke("release-holds", workerTimeoutMs, async ({ holds: table, ...parts }, by) => {
      const deadlineMs = by.clock.nowMs() + workerTimeoutMs - endMarginMs;
      const { freed } = await releaseHolds({ ...parts, table }, deadlineMs);
      this.faults.met("releasedByTime", freed);
    });
  }

  async pricePools(): Promise<void> {
    await this.invoke("price-pools", workerTimeoutMs, async ({ pools: table, ...parts }, by) => {
      const deadlineMs = by.clock.nowMs() + workerTimeoutMs - endMarginMs;
      const { days, unspentMicros } = await pricePools({ ...parts, table }, deadlineMs);
      this.faults.met("poolPriced", days);
      if (unspentMicros > 0n) this.faults.met("poolUnspent");
    });
  }

  async runPayouts(): Promise<void> {
    await this.invoke("run-payouts", workerTimeoutMs, (parts) =>
      runPayouts(parts, this.traceparent()),
    );
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

  /** Holds and pools are looked after seldom, to leave time for all else, and never not at all. */
  #keepLookingAfterOthers(): void {
    if (this.#someoneLooks) return;
    this.#someoneLooks = true;
    this.clock.at(this.clock.nowMs() + lookEveryMs, () => {
      this.#someoneLooks = false;
      const times = this.faults.happens("schedulerTwice") ? 2 : 1;
      // In truth somebody tries again every hour: here, once, while all is well.
      this.faults.pause(this.clock.nowMs() + 2 * workerTimeoutMs);
      for (let time = 0; time < times; time += 1) {
        void this.releaseHolds();
        void this.pricePools();
      }
      const waiting = this.tables
        .all(tableNames.earningsCountersTable)
        .some(({ due }) => due !== undefined);
      this.#looks += 1;
      if (waiting && this.faults.active && this.#looks < mostLooks) this.#keepLookingAfterOthers();
    });
  }

  async scheduleSettlement(): Promise<void> {
    const traceparent = this.traceparent();
    await this.invoke("settle-earnings", workerTimeoutMs, ({ settlement, bus }) =>
      settleEarnings({ table: settlement, bus }, traceparent),
    );
  }

  /** Reads a balance as its creator would, and holds it against the truth. */
  async readBalance(creatorId: CreatorId): Promise<void> {
    const [sinceMs, tornBefore] = [this.clock.nowMs(), this.tables.tornSince(this.clock.nowMs())];
    const before = this.#wealthOf(creatorId);
    const result = await this.invoke("auditor", edgeTimeoutMs, (parts) =>
      readBalance(parts, creatorId),
    );
    if (result.outcome !== "done") return;
    this.faults.met("balanceRead");
    if (tornBefore || this.tables.tornSince(sinceMs)) this.faults.met("balanceReadUnderTornCommit");
    const { settledMicros, pendingMicros, heldMicros, inPayoutMicros } = result.value;
    const shown = [settledMicros, pendingMicros, heldMicros, inPayoutMicros].map(BigInt);
    const sum = shown.reduce((total, part) => total + part, 0n);
    const after = this.#wealthOf(creatorId);
    // What is given and taken by hand goes up and down: no bounds are known while it does.
    if (before.byHand !== after.byHand || before.bookings !== after.bookings) return;
    const about = () => `balance of ${creatorId}: ${shown.join(" + ")}`;
    // The due list may lag: what it does not yet name is missing for that moment, be it more or less.
    const exact = this.faults.never("staleIndex");
    // What was voided or paid meanwhile may or may not be in it.
    const atMost = after.earned + after.byHand - before.paidOut - (exact ? before.voided : 0n);
    const atLeast = before.earned + before.byHand - after.paidOut - after.voided;
    this.oracle.expect(sum <= atMost, () => `${about()}, more than ${atMost} earned`);
    this.oracle.expect(!exact || sum >= atLeast, () => `${about()}, less than ${atLeast} earned`);
  }

  /** Ever earned, and gone again, which both only grow; and what was given or taken by hand. */
  #wealthOf(creatorId: CreatorId) {
    const { earned, voided } = earnedIn(this.tables, creatorId);
    const key = { pk: `creator#${creatorId}`, sk: "account" };
    const totals = this.tables.get(tableNames.ledgerTable, key)?.totals ?? {};
    const { adjusted: byHand = 0n, confirmed = 0n } = totals as Record<string, bigint>;
    const bookings = this.faults.coverage["entry adjustment"];
    return { earned, voided, paidOut: confirmed, byHand, bookings };
  }

  async readEarnings(creatorId: CreatorId): Promise<void> {
    const before = earnedIn(this.tables, creatorId);
    const result = await this.invoke("auditor", edgeTimeoutMs, async (parts) => {
      let sum = 0n;
      let cursor: ArticleId | undefined;
      do {
        const query = { limit: 2, cursor, groupBy: "article" } as const;
        const page = await readEarnings(parts, creatorId, query);
        for (const { micros: own } of page.items) sum += BigInt(own);
        cursor = page.nextCursor as ArticleId | undefined;
      } while (cursor !== undefined);
      return sum;
    });
    if (result.outcome !== "done") return;
    const after = earnedIn(this.tables, creatorId);
    const [atLeast, atMost] = [before.earned - after.voided, after.earned - before.voided];
    const within = atLeast <= result.value && result.value <= atMost;
    const about = `earnings of ${creatorId}: ${result.value}`;
    this.oracle.expect(within, () => `${about}, not in ${atLeast}..${atMost}`);
  }

  /** The proof must never cry wolf, however money moves meanwhile. */
  async prove(): Promise<void> {
    const result = await this.invoke("auditor", workerTimeoutMs, (parts) => proveMoney(parts));
    if (result.outcome !== "done") return;
    this.faults.met("proofDuringRun");
    // Here nobody looks after holds and pools every hour, so that some of them are overdue.
    const wrong = result.value.differences.filter(({ what }) => !overdue.test(what));
    this.oracle.expect(
      wrong.length === 0,
      () => `false alarm of the proof: ${JSON.stringify(wrong)}`,
    );
  }
}
