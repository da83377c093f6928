import type { Clock } from "../values/time.ts";
import type { Pressure } from "./pressure.ts";

/** What an environment knows of the pressure: read once a second at most, while it is asked for. */
export interface PressureReader {
  /**
   * Waits for a read if the last one is older than `withinMs`, and otherwise lets it go on.
   * @returns what is known, and a read that is under way: whoever lets it go on has to wait for it
   *   before the environment is frozen, which would have it fail.
   */
  known(
    withinMs?: number,
  ): Promise<{ readonly pressure: Pressure; readonly reading: Promise<void> }>;
}

interface Deps {
  /** @throws when it takes too long, too. */
  readonly read: () => Promise<Pressure | undefined>;
  readonly clock: Clock;
  /** What could not be read refuses nothing that was not refused before. */
  readonly onUnread: (error: unknown) => void;
}

const cacheMs = 1_000;
const none: Pressure = { queues: {}, retryAfterSeconds: 0 };

/** Until somebody looks again it is as true as it was. */
const heededMs = 60_000;

/**
 * A read that fails is no reason to refuse: what was read before is heeded for a minute, and then all
 * is taken. It is tried again after a second, not with each request.
 */
export function pressureReader({ read, clock, onUnread }: Deps): PressureReader {
  let pressure = none;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let reading = Promise.resolve();

  const readAnew = async () => {
    try {
      pressure = (await read()) ?? none;
      readAtMs = clock.nowMs();
    } catch (error) {
      if (clock.nowMs() - readAtMs > heededMs) pressure = none;
      onUnread(error);
    }
  };
  return {
    async known(withinMs = cacheMs) {
      const nowMs = clock.nowMs();
      if (nowMs - triedAtMs >= cacheMs) {
        triedAtMs = nowMs;
        reading = readAnew();
      }
      if (nowMs - readAtMs >= withinMs) await reading;
      return { pressure, reading };
    },
  };
}
