/** Work that goes on beside everything else. */
export interface Lanes {
  /** Ends it once each lane has finished what it is at. @throws what a lane threw. */
  stop(): Promise<void>;
}

/** Runs each of these again and again, with the number of the time. */
export function startLanes(lanes: readonly ((round: number) => Promise<void>)[]): Lanes {
  let going = true;
  const all = Promise.all(
    lanes.map(async (step) => {
      for (let round = 0; going; round += 1) await step(round);
    }),
  );
  // Whoever stops them hears of it.
  all.catch(() => {});
  return {
    async stop() {
      going = false;
      await all;
    },
  };
}

/** So many lanes of one kind. */
export const times = <Lane>(count: number, lane: (index: number) => Lane): Lane[] =>
  Array.from({ length: count }, (_, index) => lane(index));
