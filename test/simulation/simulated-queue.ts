import { limits } from "../../core/contracts/limits.ts";
import type { Delivery } from "../../core/messaging/delivery.ts";
import type { Faults } from "./faults.ts";
import type { Prng } from "./prng.ts";
import type { VirtualClock } from "./virtual-clock.ts";

interface Message extends Delivery {
  readonly sentAtMs: number;
  readonly redrives: number;
  receives: number;
  visibleAtMs: number;
}

interface Deps {
  readonly clock: VirtualClock;
  readonly prng: Prng;
  readonly faults: Faults;
  readonly trace: (line: () => string) => void;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const visibilityMs = 6 * 60_000;
const maxReceives = 4;
/** Somebody who keeps redriving what stays broken gives up in the end. */
const maxRedrives = 2;

/**
 * A queue as SQS keeps it: at least once, in any order, back after the visibility timeout, to the
 * dead-letter queue when it was received too often. Somebody redrives that after hours or days.
 */
export class SimulatedQueue {
  readonly name: string;
  /** Every body that was ever sent, in order. */
  readonly sent: string[] = [];
  readonly #deps: Deps;
  readonly #messages = new Map<string, Message>();
  readonly #dead = new Map<string, Message>();
  #ids = 0;
  #onVisible: () => void = () => {};
  #operatorAwake = true;

  constructor(name: string, deps: Deps) {
    this.name = name;
    this.#deps = deps;
  }

  /** @param listener told at every moment from which a message may be received. */
  onVisible(listener: () => void): void {
    this.#onVisible = listener;
  }

  send(body: string): void {
    const { clock, faults, prng } = this.#deps;
    this.sent.push(body);
    const delayMs = faults.happens("delayedForDays") ? prng.int(hourMs, 8 * dayMs) : 0;
    this.#put(body, clock.nowMs() + delayMs, 0);
  }

  /** Messages on the queue, in flight or not, and dead ones. */
  get waiting(): number {
    return this.#messages.size;
  }

  get deadBodies(): string[] {
    return [...this.#dead.values()].map(({ body }) => body);
  }

  receive(most: number): Delivery[] {
    const { clock, faults, prng } = this.#deps;
    const nowMs = clock.nowMs();
    const visible = [...this.#messages.values()].filter((m) => m.visibleAtMs <= nowMs);
    const received: Delivery[] = [];
    for (const message of prng.shuffled(visible)) {
      if (message.receives >= maxReceives) {
        this.#bury(message);
        continue;
      }
      if (received.length === most) break;
      message.receives += 1;
      const again = faults.happens("deliveredTwiceAtOnce");
      this.#showAt(message, nowMs + (again ? prng.int(0, 2_000) : visibilityMs));
      received.push({ id: message.id, body: message.body });
    }
    return received;
  }

  delete(id: string): void {
    const { clock, faults, prng } = this.#deps;
    const message = this.#messages.get(id);
    if (!message) return;
    if (faults.happens("deletedButRedelivered")) {
      this.#showAt(message, clock.nowMs() + prng.pick([1_000, 11 * 60_000, 2 * dayMs]));
    } else {
      this.#messages.delete(id);
    }
  }

  /** From now on nobody redrives by themselves. */
  operatorRests(): void {
    this.#operatorAwake = false;
  }

  /** Sends everything dead to the queue again, as new messages. @param keep: and once more later. */
  redrive(keep: () => boolean = () => false): number {
    const { clock, faults, trace } = this.#deps;
    const dead = [...this.#dead.values()];
    for (const { id, body, sentAtMs, redrives } of dead) {
      faults.met("redriven");
      if (clock.nowMs() - sentAtMs > 3 * dayMs) faults.met("redrivenAfterDays");
      if (keep()) faults.met("redrivenTwice");
      else this.#dead.delete(id);
      this.#put(body, clock.nowMs(), redrives + 1);
    }
    if (dead.length > 0) trace(() => `${this.name}: ${dead.length} redriven`);
    return dead.length;
  }

  #put(body: string, visibleAtMs: number, redrives: number): void {
    const { clock } = this.#deps;
    this.#ids += 1;
    const id = `${this.name}-${this.#ids}`;
    const sentAtMs = clock.nowMs();
    const message: Message = { id, body, sentAtMs, redrives, receives: 0, visibleAtMs };
    this.#messages.set(id, message);
    this.#showAt(message, visibleAtMs);
  }

  #showAt(message: Message, atMs: number): void {
    message.visibleAtMs = atMs;
    this.#deps.clock.at(atMs, () => this.#onVisible());
  }

  #bury(message: Message): void {
    const { clock, faults, prng, trace } = this.#deps;
    faults.met("deadLettered");
    trace(() => `${this.name}: ${message.id} is dead`);
    this.#messages.delete(message.id);
    this.#dead.set(message.id, message);
    if (!this.#operatorAwake || message.redrives >= maxRedrives) return;
    // Retention runs from when it was first sent, not from when it died.
    const keptUntilMs = message.sentAtMs + limits.dlqRetentionDays * dayMs - hourMs;
    const atMs = Math.min(clock.nowMs() + prng.pick([hourMs, dayMs, 13 * dayMs]), keptUntilMs);
    clock.at(atMs, () => {
      if (this.#operatorAwake) this.redrive(() => prng.chance(0.2));
    });
  }
}
