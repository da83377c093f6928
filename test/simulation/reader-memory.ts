import type { AcceptedEngagement } from "../../core/contracts/events.ts";
import type { Item } from "./expressions.ts";
import type { Between } from "./plain-verdict.ts";

/** One engagement as it came, and by which request. */
export interface Presented {
  readonly key: string;
  readonly engagement: AcceptedEngagement;
  /** Of one acceptance, however often its event is delivered. */
  readonly request: string;
  readonly acceptedAtMs: number;
}

interface RecordedKey {
  readonly key: string;
  readonly atMs: number;
  readonly kind: string;
  readonly occurredAtMs: number;
  readonly state: string;
}

interface Remembered {
  readonly atMs: number;
  readonly untilMs: number;
  readonly requests: ReadonlySet<string>;
}

const hourMs = 3_600_000;

const clockOffMs = 5 * 60_000;

const dayIn = (key: string) => key.slice(0, key.lastIndexOf("/"));

/** What readers did, and when it could be known: the oracle's own books on each reader's day. */
export class ReaderMemory {
  readonly #recorded = new Map<string, RecordedKey[]>();
  readonly #changed = new Set<string>();
  readonly #presented = new Map<string, Presented[]>();
  readonly #remembered = new Map<string, Remembered[]>();
  readonly #weights = new Map<string, { atMs: number; weight: bigint }[]>();

  presented(one: Presented): void {
    push(this.#presented, dayIn(one.key), one);
  }

  recorded(one: RecordedKey): void {
    push(this.#recorded, dayIn(one.key), one);
  }

  /** A review changed what is left of it. */
  changed(key: string): void {
    this.#changed.add(key);
  }

  /** The requests of a day that presented a token again, as the table holds them now. */
  rememberedRequests({ pk, requests, ttl }: Item, atMs: number): void {
    const untilMs = Number(ttl) * 1_000;
    push(this.#remembered, String(pk), { atMs, untilMs, requests: requests as Set<string> });
  }

  usedWeight({ pk, sk, weight }: Item, atMs: number): void {
    push(this.#weights, `${pk} ${sk}`, { atMs, weight: weight as bigint });
  }

  /** Weight that a reader had used in a pool: by some moment, and by now. */
  weightUsed(key: string, groupId: string, day: string, sinceMs: number) {
    const partition = `${key.slice(0, key.indexOf("#"))}#${day}`;
    const states = this.#weights.get(`${partition} !pool#${groupId}`) ?? [];
    const before = states.filter(({ atMs }) => atMs <= sinceMs).at(-1);
    return { least: before?.weight ?? 0n, most: states.at(-1)?.weight ?? 0n };
  }

  /** How much else a worker that began at `sinceMs` with this batch may have known of the day. */
  around(key: string, occurredAtMs: number, sinceMs: number, batch: readonly Presented[]) {
    const day = dayIn(key);
    const hour = Math.floor(occurredAtMs / hourMs);
    const recorded = (this.#recorded.get(day) ?? []).filter((other) => other.key !== key);
    const inBatch = batch
      .filter((other) => other.key !== key && dayIn(other.key) === day)
      .map(({ key: own, engagement }) => ({
        ...{ ...engagement, key: own, atMs: sinceMs, state: "unknown" },
      }));
    const between = (
      fits: (one: RecordedKey) => boolean,
      surely: (one: RecordedKey) => boolean = fits,
    ): Between => {
      const keys = (some: readonly RecordedKey[]) => new Set(some.map((one) => one.key)).size;
      return {
        least: keys(recorded.filter((one) => one.atMs <= sinceMs && surely(one))),
        most: keys([...recorded, ...inBatch].filter(fits)),
      };
    };
    return {
      inHour: between((one) => Math.floor(one.occurredAtMs / hourMs) === hour),
      inDay: between(() => true),
      comments: between(
        ({ kind, state }) => kind === "comment" && state !== "void",
        ({ key: own, kind, state }) =>
          kind === "comment" && state !== "void" && !this.#changed.has(own),
      ),
      presentations: this.#presentations(day, sinceMs, batch),
    };
  }

  /** Redelivery of one acceptance is one request; a client that sends again makes another. */
  #presentations(day: string, sinceMs: number, batch: readonly Presented[]): Between {
    const states = this.#remembered.get(day) ?? [];
    const before = states.filter(({ atMs }) => atMs <= sinceMs).at(-1);
    // Of a worker whose clock is ahead it may be forgotten by now.
    const known =
      before && sinceMs + 2 * clockOffMs < before.untilMs ? mostOfOneToken(before.requests) : 0;
    const own = batch.filter(({ key }) => dayIn(key) === day);
    const ever = this.#presented.get(day) ?? [];
    return {
      least: Math.max(known, mostAgain(own)),
      most: mostAgain(ever),
    };
  }
}

/** Requests that presented one token for one and the same key, of the token that most did. */
export function mostAgain(presented: readonly Presented[]): number {
  const byKey = new Map<string, Set<string>>();
  for (const { key, engagement, request } of presented) {
    if (engagement.tokenId === undefined) continue;
    const name = `${engagement.tokenId} ${key}`;
    byKey.set(name, (byKey.get(name) ?? new Set()).add(request));
  }
  const byToken = new Map<string, Set<string>>();
  for (const [name, requests] of byKey) {
    if (requests.size < 2) continue;
    const token = name.slice(0, name.indexOf(" "));
    byToken.set(token, new Set([...(byToken.get(token) ?? []), ...requests]));
  }
  return Math.max(0, ...[...byToken.values()].map((requests) => requests.size));
}

/** Of `<token> <request>`, as the table remembers them. */
function mostOfOneToken(texts: ReadonlySet<string>): number {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const token = String(text.split(" ")[0]);
    counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

function push<Value>(map: Map<string, Value[]>, name: string, value: Value): void {
  const known = map.get(name);
  if (known) known.push(value);
  else map.set(name, [value]);
}
