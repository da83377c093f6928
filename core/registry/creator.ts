import type * as z from "zod";
import type { CreatorId, ReaderId } from "../contracts/ids.ts";
import type { payeeSchema, putCreatorSchema } from "../contracts/registry-bodies.ts";
import { inPayoutOf } from "../ledger/entry.ts";
import type { PayoutStore } from "../payouts/payout.ts";
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

export interface ChangeCreatorDeps {
  readonly creators: CreatorStore;
  readonly payouts: Pick<PayoutStore, "readAccount">;
  readonly clock: Clock;
}

type CreatorBody = z.infer<typeof putCreatorSchema>;

/**
 * Registers a creator, or replaces the name of one. Money follows from `payee` and `readerIds`, so
 * these stay when they are left out; null removes them. Own rate cards stay.
 * @throws Problem 409 when a payout waits for a payee that is to be removed, or other writers keep
 *   winning.
 */
export async function putCreator(
  deps: ChangeCreatorDeps,
  creatorId: CreatorId,
  body: CreatorBody,
): Promise<Creator> {
  const named = { ...body, name: body.name ?? null };
  return await changeCreator(deps, creatorId, named, { registers: true });
}

/**
 * Changes the fields of a creator that the body names.
 * @throws Problem 404 when it was never registered; 409 as `putCreator`.
 */
export async function patchCreator(
  deps: ChangeCreatorDeps,
  creatorId: CreatorId,
  body: CreatorBody,
): Promise<Creator> {
  return await changeCreator(deps, creatorId, body, { registers: false });
}

async function changeCreator(
  { creators, payouts, clock }: ChangeCreatorDeps,
  creatorId: CreatorId,
  body: CreatorBody,
  { registers }: { readonly registers: boolean },
): Promise<Creator> {
  return await untilWritten(`creator ${JSON.stringify(creatorId)}`, async () => {
    const stored = (await creators.getMany([creatorId])).get(creatorId);
    if (!stored && !registers) throw noCreator(creatorId);
    if (stored?.payee && body.payee === null) await refuseWhileInPayout(payouts, creatorId);
    const creator = changedCreator(stored ?? blankCreator(creatorId), body, clock.nowMs());
    return (await creators.put(creator)) === "put" ? creator : "raced";
  });
}

/** What is named replaces what is stored, whole. */
function changedCreator(stored: Creator, body: CreatorBody, nowMs: number): Creator {
  const { name: _, payee: __, ...kept } = stored;
  const name = body.name === undefined ? stored.name : body.name;
  const payee = body.payee === undefined ? stored.payee : body.payee;
  return {
    ...kept,
    ...(name == null ? {} : { name }),
    readerIds: body.readerIds === undefined ? stored.readerIds : (body.readerIds ?? []),
    ...(payee == null ? {} : { payee: payeeOf(payee) }),
    updatedAtMs: nowMs,
    revision: stored.revision + 1,
  };
}

/**
 * Payouts keep no copy of the payee: the file names the one that is registered. One that is reserved
 * at this very moment is not seen here; the file then says that its payee is missing.
 */
async function refuseWhileInPayout(
  payouts: ChangeCreatorDeps["payouts"],
  creatorId: CreatorId,
): Promise<void> {
  const inPayout = inPayoutOf((await payouts.readAccount(creatorId)).totals);
  if (inPayout === 0n) return;
  const detail =
    `${inPayout} micros are reserved for payouts without a result, which the payout file pays to ` +
    "this payee. Post their results first, or replace the payee instead of removing it.";
  throw problems.conflict("payee-in-payout", "Payee is being paid", `payee: ${detail}`, {
    errors: [{ field: "payee", detail }],
  });
}

function payeeOf({ name, iban, bic }: Payee | z.infer<typeof payeeSchema>): Payee {
  return { name, iban, ...(bic === undefined ? {} : { bic }) };
}

/** One of whom nothing is known, not stored yet. */
export function blankCreator(creatorId: CreatorId): Creator {
  return { creatorId, readerIds: [], rateCards: [], updatedAtMs: 0, revision: 0 };
}

/** @throws Problem 404 when it was never registered. */
export async function readCreator(creators: CreatorStore, creatorId: CreatorId): Promise<Creator> {
  const creator = (await creators.getMany([creatorId])).get(creatorId);
  if (!creator) throw noCreator(creatorId);
  return creator;
}

const noCreator = (creatorId: CreatorId) =>
  problems.notFound(`creator ${JSON.stringify(creatorId)}`);

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
