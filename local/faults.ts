import { z } from "zod";
import type { KillAtCall } from "./lambda/messages.ts";

/** A probability between 0 (or absent) and 1. */
type Chance = number;

const chance = z.number().min(0).max(1).optional();
const ms = z.int().nonnegative();

/** A plan that comes from outside: an unknown fault must not silently be none. */
export const faultPlanSchema = z.strictObject({
  putEvents: z.strictObject({ failEntry: chance, lose: chance, dropResponse: chance }).optional(),
  cloudWatch: z.strictObject({ fail: chance }).optional(),
  queues: z
    .record(
      z.string(),
      z.strictObject({
        ...{ refuse: chance, duplicate: chance, delay: chance, reorder: chance },
        delayMs: ms.optional(),
      }),
    )
    .optional(),
  functions: z
    .record(
      z.string(),
      z.strictObject({
        ...{ throttle: chance, killBefore: chance },
        hangMs: z.strictObject({ chance, ms }).optional(),
        killAfterMs: z.strictObject({ chance, ms }).optional(),
        killAtCall: z
          .strictObject({ chance, call: z.int().positive(), when: z.enum(["before", "after"]) })
          .optional(),
      }),
    )
    .optional(),
});

/** What may go wrong, and how often. Names are queue and function names; `*` is all of them. */
export interface FaultPlan {
  readonly putEvents?: {
    readonly failEntry?: Chance;
    /** Answered as accepted and gone, as by a bus that does not exist. */
    readonly lose?: Chance;
    readonly dropResponse?: Chance;
  };
  /** It answers no question. Alarms go on. */
  readonly cloudWatch?: { readonly fail?: Chance };
  readonly queues?: Readonly<Record<string, QueueFaults>>;
  readonly functions?: Readonly<Record<string, FunctionFaults>>;
}

export interface QueueFaults {
  /** The queue refuses what a rule sends to it. */
  readonly refuse?: Chance;
  /** A message is delivered a second time, at once and beside the first. */
  readonly duplicate?: Chance;
  /** A message is held back for `delayMs` after it was received. */
  readonly delay?: Chance;
  readonly delayMs?: number;
  /** The messages of a batch come in another order. */
  readonly reorder?: Chance;
}

export interface FunctionFaults {
  readonly throttle?: Chance;
  /** The environment dies before the handler runs. */
  readonly killBefore?: Chance;
  /** The environment does nothing for so long: until its time-out, if that is less. */
  readonly hangMs?: { readonly chance: Chance; readonly ms: number };
  readonly killAfterMs?: { readonly chance: Chance; readonly ms: number };
  readonly killAtCall?: KillAtCall & { readonly chance: Chance };
}

/** A fault that strikes exactly once, at the first occasion that fits. */
export type OneFault =
  | {
      readonly on: "putEvents";
      readonly failEntries?: readonly number[];
      readonly dropResponse?: boolean;
      /** Accepted, and never answered. */
      readonly hang?: boolean;
    }
  | { readonly on: "invocation"; readonly function: string; readonly fault: InvocationFault }
  | { readonly on: "delivery"; readonly queue: string; readonly fault: DeliveryFault };

export type InvocationFault =
  | { readonly kind: "throttle" }
  | { readonly kind: "kill-before" }
  | { readonly kind: "hang"; readonly ms: number }
  | { readonly kind: "kill-after"; readonly ms: number }
  | ({ readonly kind: "kill-at-call" } & KillAtCall);

export type DeliveryFault =
  | { readonly kind: "duplicate" }
  | { readonly kind: "delay"; readonly ms: number };

export interface Faults {
  readonly seed: number;
  /** Replaces the plan; an empty one ends all faults. */
  plan(plan: FaultPlan): void;
  once(fault: OneFault): void;
  onPutEvents(entries: number): {
    readonly failedEntries: ReadonlySet<number>;
    readonly lostEntries: ReadonlySet<number>;
    readonly dropResponse: boolean;
    readonly hang: boolean;
  };
  failsCloudWatch(): boolean;
  refuses(queue: string): boolean;
  onInvocation(functionName: string): InvocationFault | undefined;
  onDelivery(queue: string): DeliveryFault | undefined;
  /** Puts a batch in another order, if a fault says so. */
  shuffle<T>(queue: string, batch: T[]): void;
}

export function createFaults(seed: number, initial: FaultPlan = {}): Faults {
  const random = mulberry32(seed);
  const strikes = (chance: Chance | undefined) => chance !== undefined && random() < chance;
  let plan = initial;
  const pending: OneFault[] = [];
  const take = <Kind extends OneFault["on"]>(
    on: Kind,
    fits: (fault: Extract<OneFault, { on: Kind }>) => boolean,
  ) => {
    const index = pending.findIndex(
      (fault) => fault.on === on && fits(fault as Extract<OneFault, { on: Kind }>),
    );
    if (index === -1) return undefined;
    return pending.splice(index, 1)[0] as Extract<OneFault, { on: Kind }>;
  };
  const queueFaults = (name: string) => plan.queues?.[name] ?? plan.queues?.["*"];

  return {
    seed,
    plan(next) {
      plan = next;
    },
    once: (fault) => pending.push(fault),
    onPutEvents(entries) {
      const one = take("putEvents", () => true);
      const { failEntry, lose, dropResponse } = plan.putEvents ?? {};
      const failedEntries = new Set(one?.failEntries ?? []);
      const lostEntries = new Set<number>();
      for (let index = 0; index < entries; index += 1) {
        if (strikes(failEntry)) failedEntries.add(index);
        else if (strikes(lose)) lostEntries.add(index);
      }
      return {
        failedEntries,
        lostEntries,
        dropResponse: one?.dropResponse ?? strikes(dropResponse),
        hang: one?.hang ?? false,
      };
    },
    failsCloudWatch: () => strikes(plan.cloudWatch?.fail),
    refuses: (queue) => strikes(queueFaults(queue)?.refuse),
    onInvocation(name) {
      const one = take("invocation", (fault) => fault.function === name);
      if (one !== undefined) return one.fault;
      const faults = plan.functions?.[name] ?? plan.functions?.["*"];
      if (strikes(faults?.throttle)) return { kind: "throttle" };
      if (strikes(faults?.killBefore)) return { kind: "kill-before" };
      const { hangMs, killAfterMs, killAtCall } = faults ?? {};
      if (hangMs && strikes(hangMs.chance)) return { kind: "hang", ms: hangMs.ms };
      if (killAfterMs && strikes(killAfterMs.chance)) {
        return { kind: "kill-after", ms: killAfterMs.ms };
      }
      if (killAtCall && strikes(killAtCall.chance)) {
        return { kind: "kill-at-call", call: killAtCall.call, when: killAtCall.when };
      }
      return undefined;
    },
    onDelivery(queue) {
      const one = take("delivery", (fault) => fault.queue === queue);
      if (one !== undefined) return one.fault;
      const faults = queueFaults(queue);
      if (strikes(faults?.duplicate)) return { kind: "duplicate" };
      if (strikes(faults?.delay)) return { kind: "delay", ms: faults?.delayMs ?? 1_000 };
      return undefined;
    },
    shuffle(queue, batch) {
      if (!strikes(queueFaults(queue)?.reorder)) return;
      for (let index = batch.length - 1; index > 0; index -= 1) {
        const other = Math.floor(random() * (index + 1));
        const item = batch[index] as (typeof batch)[number];
        batch[index] = batch[other] as (typeof batch)[number];
        batch[other] = item;
      }
    },
  };
}

/** A small generator whose whole state is its seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
