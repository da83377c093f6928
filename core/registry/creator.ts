import type * as z from "zod";
import type { CreatorId, ReaderId } from "../contracts/ids.ts";
import type { payeeSchema, putCreatorSchema } from "../contracts/registry-bodies.ts";
import { problems } from "../perimeter/problem.ts";
import type { Clock } from "../values/time.ts";
import type { RateCard } from "./rate-card.ts";
import { untilWritten } from "./until-written.ts";

export interface Payee {
  readonly name: string;
  readonly iban: string;
  readonly bic?: string;
}

/** What is known of a creator beyond the id; one that was never registered earns all the same. */
export interface Creator {
  readonly creatorId: CreatorId;
  readonly name?: string;
  /** Pseudonyms under which the creator reads. */
  readonly readerIds: readonly ReaderId[];
  /** Own rate cards, oldest first. */
  readonly rateCards: readonly RateCard[];
  readonly payee?: Payee;
  readonly updatedAtMs: number;
  /** Changes with every write, so that two writers cannot undo each other. */
  readonly revision: number;
}

/** What lists know of a creator. */
export type ListedCreator = Omit<Creator, "rateCards" | "revision">;

export interface CreatorStore {
  /** Strongly consistent; an unknown id is simply absent from the result. */
  getMany(creatorIds: readonly CreatorId[]): Promise<ReadonlyMap<CreatorId, Creator>>;
  /** `raced` when the stored revision is not `creator.revision - 1` (0: there is none yet). */
  put(creator: Creator): Promise<"put" | "raced">;
}

/**
 * Registers a creator, or replaces what is known of one; own rate cards stay.
 * @throws Problem 409 when other writers keep winning.
 */
export async function putCreator(
  { creators, clock }: { creators: CreatorStore; clock: Clock },
  creatorId: CreatorId,
  { name, readerIds, payee }: z.infer<typeof putCreatorSchema>,
): Promise<Creator> {
  return await untilWritten(`creator ${JSON.stringify(creatorId)}`, async () => {
    const stored = (await creators.getMany([creatorId])).get(creatorId);
    const creator: Creator = {
      creatorId,
      ...(name === undefined ? {} : { name }),
      readerIds,
      rateCards: stored?.rateCards ?? [],
      ...(payee === undefined ? {} : { payee: payeeOf(payee) }),
      updatedAtMs: clock.nowMs(),
      revision: (stored?.revision ?? 0) + 1,
    };
    return (await creators.put(creator)) === "put" ? creator : "raced";
  });
}

function payeeOf({ name, iban, bic }: z.infer<typeof payeeSchema>): Payee {
  return { name, iban, ...(bic === undefined ? {} : { bic }) };
}

/** One of whom nothing is known, not stored yet. */
export function blankCreator(creatorId: CreatorId): Creator {
  return { creatorId, readerIds: [], rateCards: [], updatedAtMs: 0, revision: 0 };
}

/** @throws Problem 404 when it was never registered. */
export async function readCreator(creators: CreatorStore, creatorId: CreatorId): Promise<Creator> {
  const creator = (await creators.getMany([creatorId])).get(creatorId);
  if (!creator) throw problems.notFound(`creator ${JSON.stringify(creatorId)}`);
  return creator;
}

/** The public shape, for the publisher and the creator itself. */
export function presentCreator({ creatorId, name, readerIds, payee, updatedAtMs }: ListedCreator) {
  return {
    creatorId,
    ...(name === undefined ? {} : { name }),
    readerIds,
    ...(payee === undefined ? {} : { payee }),
    updatedAt: new Date(updatedAtMs).toISOString(),
  };
}
