import type { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { limits } from "../../core/contracts/limits.ts";
import type { Faults } from "./faults.ts";
import type { Invocation } from "./invocation.ts";
import type { Prng } from "./prng.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export interface TakenEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: string;
}

interface Deps {
  readonly clock: VirtualClock;
  readonly prng: Prng;
  readonly faults: Faults;
  /** The bus has it now, for good. */
  readonly onTaken: (event: TakenEvent) => void;
  /** A rule matched: to its queue. */
  readonly deliver: (event: TakenEvent, body: string) => void;
}

const dayMs = 86_400_000;
const maxRequestBytes = 1_000_000;

/** A bus as EventBridge is one: takes entries one by one, delivers at least once, at its own pace. */
export class SimulatedBus {
  readonly #deps: Deps;
  #ids = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  client(by: Invocation): EventBridgeClient {
    const send = ({ input }: PutEventsCommand) =>
      by.io(
        () => `PutEvents of ${input.Entries?.length} entries`,
        () => this.#put(input.Entries ?? []),
        "putEventsAnswerLost",
      );
    return { send } as unknown as EventBridgeClient;
  }

  /** One event, in whatever way it came. */
  take(event: TakenEvent): void {
    this.#deps.onTaken(event);
    this.#deliver(event);
  }

  #put(entries: NonNullable<PutEventsCommand["input"]["Entries"]>): object {
    const { faults, prng } = this.#deps;
    const bytes = entries.reduce((sum, { Detail = "" }) => sum + Buffer.byteLength(Detail), 0);
    if (entries.length > limits.maxPutEventsEntries || bytes > maxRequestBytes) {
      throw new Error("ValidationException: PutEvents takes neither so many entries nor bytes");
    }
    const partly = faults.happens("putEventsPartlyFailed");
    const results = entries.map(({ Source = "", DetailType = "", Detail = "" }) => {
      if (partly && prng.chance(0.5)) return { ErrorCode: "InternalFailure" };
      this.take({ source: Source, detailType: DetailType, detail: Detail });
      return { EventId: String(this.#ids) };
    });
    const failed = results.filter((result) => "ErrorCode" in result).length;
    return { FailedEntryCount: failed, Entries: results };
  }

  #deliver(event: TakenEvent): void {
    const { clock, faults, prng, deliver } = this.#deps;
    const copies = faults.happens("busDeliversTwice") ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const lateMs = faults.happens("busDeliversLate") ? prng.pick([60_000, dayMs]) : 0;
      this.#ids += 1;
      const body = envelope(`event-${this.#ids}`, clock.nowMs(), event);
      clock.at(clock.nowMs() + prng.int(1, 50) + lateMs, () => deliver(event, body));
    }
  }
}

/** What a rule's target receives. */
export function envelope(id: string, nowMs: number, event: TakenEvent): string {
  const time = new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
  const head = { version: "0", id, "detail-type": event.detailType, source: event.source, time };
  return JSON.stringify({ ...head, resources: [], detail: JSON.parse(event.detail) });
}
