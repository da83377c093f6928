import type { CreatorId } from "../../../core/contracts/ids.ts";
import {
  emptyAccount,
  entryIdOf,
  type LedgerAccount,
  type LedgerEntry,
} from "../../../core/ledger/entry.ts";
import type { Booking, Correction, LedgerStore } from "../../../core/ledger/ledger-store.ts";
import type { StatementSource } from "../../../core/ledger/read-statement.ts";
import type { OpenPayout, Payout, PayoutStore } from "../../../core/payouts/payout.ts";

type MemoryLedger = LedgerStore &
  PayoutStore &
  StatementSource & {
    readonly entries: LedgerEntry[];
    readonly open: Map<string, OpenPayout>;
    /** How many single entries were read, for statements. */
    reads: number;
  };

/** The ledger's ports on plain maps, with the conditions that a table would check. */
export function memoryLedger(): MemoryLedger {
  const accounts = new Map<CreatorId, LedgerAccount>();
  const requests = new Map<string, number>();
  const corrections = new Map<string, Correction[]>();
  const payouts = new Map<string, Payout>();
  const open = new Map<string, OpenPayout>();
  const entries: LedgerEntry[] = [];

  const readAccount = async (creatorId: CreatorId) => accounts.get(creatorId) ?? emptyAccount;
  const find = (creatorId: CreatorId, sequence: number) =>
    entries.find((entry) => entry.creatorId === creatorId && entry.sequence === sequence);
  const isNext = ({ creatorId, sequence }: LedgerEntry) =>
    (accounts.get(creatorId)?.sequence ?? 0) === sequence - 1;
  const append = (entry: LedgerEntry) => {
    const { creatorId, sequence, bookedAtMs, totals } = entry;
    entries.push(entry);
    accounts.set(creatorId, { sequence, bookedAtMs, totals });
  };
  const correct = (entry: LedgerEntry, corrects: NonNullable<Booking["corrects"]>) => {
    const key = entryIdOf({ creatorId: entry.creatorId, sequence: corrects.sequence });
    const { sequence } = entry;
    const known = corrections.get(key) ?? [];
    corrections.set(key, [...known, { sequence, reverses: corrects.reverses }]);
  };

  const ledger: MemoryLedger = {
    entries,
    open,
    reads: 0,
    readAccount,
    entry: async (creatorId, sequence) => find(creatorId, sequence),
    async entryAt(creatorId, sequence) {
      ledger.reads += 1;
      return find(creatorId, sequence);
    },
    entryOfRequest: async (creatorId, requestId) => requests.get(`${creatorId} ${requestId}`),
    correctionsOf: async (creatorId, sequence) =>
      corrections.get(entryIdOf({ creatorId, sequence })) ?? [],
    async book(entry, { requestId, corrects }) {
      if (!isNext(entry)) return "raced";
      append(entry);
      requests.set(`${entry.creatorId} ${requestId}`, entry.sequence);
      if (corrects) correct(entry, corrects);
      return "booked";
    },
    payout: async (creatorId, sequence) => payouts.get(entryIdOf({ creatorId, sequence })),
    payouts: async (creatorId, limit, before = Number.POSITIVE_INFINITY) =>
      [...payouts.values()]
        .filter((payout) => payout.creatorId === creatorId && payout.sequence < before)
        .sort((a, b) => b.sequence - a.sequence)
        .slice(0, limit),
    async reserve(entry, payout) {
      if (!isNext(entry)) return "raced";
      append(entry);
      requests.set(`${entry.creatorId} ${payout.requestId}`, entry.sequence);
      payouts.set(entryIdOf(entry), payout);
      open.set(entryIdOf(entry), { ...payout, announced: false });
      return "booked";
    },
    async conclude(entry, payout) {
      if (!isNext(entry) || payouts.get(entryIdOf(payout))?.state !== "reserved") return "raced";
      append(entry);
      correct(entry, { sequence: payout.sequence, reverses: false });
      payouts.set(entryIdOf(payout), payout);
      open.delete(entryIdOf(payout));
      return "booked";
    },
    openPayout: async (place) => open.get(entryIdOf(place)),
    async *openPayouts() {
      yield* [...open.values()];
    },
    async markAnnounced(place) {
      const payout = open.get(entryIdOf(place));
      if (payout) open.set(entryIdOf(place), { ...payout, announced: true });
    },
  };
  return ledger;
}
