import type { TestTables } from "../../test/support/tables.ts";

export interface Units {
  /** Write and read request units, as the engine bills them. */
  readonly writes: number;
  readonly reads: number;
}

interface Capacity {
  readonly CapacityUnits?: number;
}

const reading = /^(?:Query|Scan|Get|BatchGet|TransactGet)/;

/** Asks for the capacity of every call from now on, and adds up what was consumed. */
export function meter({ client }: Pick<TestTables, "client">) {
  let units = { writes: 0, reads: 0 };
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const input = { ...args.input, ReturnConsumedCapacity: "TOTAL" };
      const result = await next({ ...args, input });
      const output = result.output as { ConsumedCapacity?: Capacity | readonly Capacity[] };
      const side = reading.test(context.commandName ?? "") ? "reads" : "writes";
      for (const capacity of [output.ConsumedCapacity ?? []].flat()) {
        units[side] += capacity.CapacityUnits ?? 0;
      }
      return result;
    },
    { step: "initialize" },
  );
  return {
    /** What the work consumed, and how long it took. */
    async of(work: () => Promise<void>): Promise<Units & { readonly seconds: number }> {
      units = { writes: 0, reads: 0 };
      const startedMs = performance.now();
      await work();
      return { ...units, seconds: (performance.now() - startedMs) / 1_000 };
    },
  };
}

export type Meter = ReturnType<typeof meter>;
