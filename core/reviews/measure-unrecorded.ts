import { queueOfKind } from "../contracts/dead-letter-sources.ts";
import { countOpen } from "../dead-letters/count-open.ts";
import type { LetterStore } from "../dead-letters/letter-store.ts";
import type { QueueDepth } from "../monitoring/read-queues.ts";
import type { Clock } from "../values/time.ts";
import type { Unrecorded } from "./review.ts";

interface Deps {
  readonly depthOf: (queue: string) => Promise<QueueDepth>;
  readonly letters: Pick<LetterStore, "lines">;
  readonly clock: Clock;
  /** Told why it could not be measured. */
  readonly onUnmeasured: (error: unknown) => void;
}

const counting = "count-engagements";

/** A review is never refused because a queue cannot be looked at: it decides on all of it anyway. */
export async function measureUnrecorded(deps: Deps): Promise<Unrecorded | undefined> {
  try {
    const measuredAtMs = deps.clock.nowMs();
    const dead = [queueOfKind.failed(counting), queueOfKind.undelivered(counting)];
    const [queue, open, ...unarchived] = await Promise.all([
      deps.depthOf(counting),
      countOpen(deps.letters),
      ...dead.map(deps.depthOf),
    ]);
    const archived = dead.reduce((sum, name) => sum + (open.get(name) ?? 0), 0);
    return {
      messages: messagesIn(queue),
      deadLetters: unarchived.reduce((sum, depth) => sum + messagesIn(depth), archived),
      measuredAtMs,
    };
  } catch (error) {
    deps.onUnmeasured(error);
    return undefined;
  }
}

const messagesIn = ({ waiting, inFlight }: QueueDepth) => waiting + inFlight;
