import { isCounter, linesOf, partsOfLine } from "./counter-check.ts";
import type { Item } from "./expressions.ts";
import type { Faults } from "./faults.ts";
import type { SimulatedTables } from "./simulated-table.ts";
import { tableNames } from "./wiring.ts";

const firstPoolBucket = 1_000_000_000n;

type Violated = (what: string) => void;

const isEntry = ({ sk }: Item) => String(sk).startsWith("entry#");
const isPayout = ({ sk }: Item) => String(sk).startsWith("payout#");

/** Sees each write of the ledger as it happens: what is booked is never changed. */
export class LedgerWatch {
  readonly #faults: Faults;
  readonly #violated: Violated;

  constructor(faults: Faults, violated: Violated) {
    this.#faults = faults;
    this.#violated = violated;
  }

  written(before: Item | undefined, after: Item | undefined): void {
    const item = after ?? before ?? {};
    const about = `${item.pk} ${item.sk}`;
    if (!after) {
      if (item.pk !== "payouts#open") this.#violated(`${about} was deleted`);
      return;
    }
    if (isEntry(after)) {
      if (before) this.#violated(`${about} was overwritten`);
      this.#faults.metEntry(String(after.type));
    }
    if (after.sk === "account") {
      const next = ((before?.sequence ?? 0n) as bigint) + 1n;
      if (after.sequence !== next) this.#violated(`${about} went on to ${after.sequence}`);
      if (payable(after.totals as Totals) < 0n) this.#faults.met("negativeBalance");
    }
    if (isPayout(after) && before && before.state !== "reserved") {
      this.#violated(`${about} was ${before.state}, and became ${after.state}`);
    }
  }
}

type Totals = Record<string, bigint>;

const names = [
  ...["earned", "held", "released", "reversed", "dropped", "adjusted"],
  ...["reserved", "returned", "confirmed", "fees"],
] as const;

function payable(totals: Totals): bigint {
  const { earned = 0n, released = 0n, reversed = 0n, adjusted = 0n } = totals;
  const { reserved = 0n, returned = 0n } = totals;
  return earned + released - reversed + adjusted - reserved + returned;
}

/** Everything that is booked follows from postings alone, and they from what was counted. */
export function checkLedger(tables: SimulatedTables, violated: Violated): void {
  const items = tables.all(tableNames.ledgerTable);
  const counters = tables.all(tableNames.earningsCountersTable).filter(isCounter);
  for (const { due, pk, sk, priced } of counters) {
    // Voided after its day was priced, what weighed nothing is listed again, and changes nothing.
    const overAndDone = priced !== undefined && (due as bigint) >= firstPoolBucket;
    if (due !== undefined && !overAndDone) violated(`${pk} ${sk} is still due: ${due}`);
  }
  const creators = new Set(
    [...items, ...counters].map(({ pk }) => String(pk)).filter((pk) => pk.startsWith("creator#")),
  );
  for (const pk of creators) {
    const own = items.filter((item) => item.pk === pk);
    const entries = own.filter(isEntry).sort((a, b) => Number(a.sequence) - Number(b.sequence));
    const tell = (what: string) => violated(`${pk}: ${what}`);
    const totals = checkChain(pk.slice("creator#".length), entries, tell);
    checkAccount(
      own.find(({ sk }) => sk === "account"),
      entries,
      totals,
      tell,
    );
    checkLines(
      entries,
      counters.filter((counter) => counter.pk === pk),
      tell,
    );
    checkPayouts(own.filter(isPayout), entries, items, totals, tell);
  }
}

const linesOfType: Readonly<Record<string, readonly string[]>> = {
  settlement: ["paid", "held"],
  release: ["freed"],
  reversal: ["voided", "dropped"],
};

const effects: Readonly<Record<string, readonly [payable: bigint, held: bigint, fee: bigint]>> = {
  paid: [1n, 0n, 1n],
  held: [0n, 1n, 1n],
  freed: [1n, -1n, 0n],
  voided: [-1n, 0n, -1n],
  dropped: [0n, -1n, -1n],
};

/** Entry after entry; @returns the totals after the last. */
function checkChain(creatorId: string, entries: readonly Item[], violated: Violated): Totals {
  let totals: Totals = Object.fromEntries(names.map((name) => [name, 0n]));
  let bookedAtMs = 0n;
  for (const [index, entry] of entries.entries()) {
    const tell = (what: string) => violated(`entry ${entry.sequence} (${entry.type}): ${what}`);
    if (entry.sequence !== BigInt(index + 1)) tell("its number is not the next");
    if ((entry.bookedAtMs as bigint) < bookedAtMs) tell("booked before the one before it");
    bookedAtMs = entry.bookedAtMs as bigint;
    const postings = (entry.postings ?? []) as readonly Item[];
    const on = (account: string) =>
      postings
        .filter((posting) => posting.account === account)
        .reduce((sum, { amountMicros }) => sum + (amountMicros as bigint), 0n);
    const all = postings.reduce((sum, { amountMicros }) => sum + (amountMicros as bigint), 0n);
    if (all !== 0n) tell(`its postings sum to ${all}`);
    const [toPayable, toHeld] = [-on(`payable:${creatorId}`), -on(`held:${creatorId}`)];
    const toFees = -on("income:fees");
    const known = ["expense:revenue-share", "income:fees", "clearing:payouts", "assets:cash"];
    const own = [...known, `payable:${creatorId}`, `held:${creatorId}`];
    for (const { account } of postings) {
      if (!own.includes(String(account))) tell(`posts to ${account}`);
    }
    checkOwnLines(entry, { toPayable, toHeld, toFees }, tell);
    if (entry.type === "payout" && payable(totals) < -toPayable) {
      tell(`pays out ${-toPayable} of ${payable(totals)}`);
    }
    const changes: Totals = {
      ...({
        settlement: { earned: toPayable, held: toHeld },
        release: { released: toPayable },
        reversal: { reversed: -toPayable, dropped: -toHeld },
        adjustment: { adjusted: toPayable },
        payout: { reserved: -toPayable },
        "payout-failure": { returned: toPayable },
        "payout-confirmation": { confirmed: on("clearing:payouts") },
      }[String(entry.type)] ?? {}),
      fees: toFees,
    };
    const before: Totals = totals;
    totals = Object.fromEntries(
      names.map((name) => [name, (before[name] ?? 0n) + (changes[name] ?? 0n)]),
    );
    const carried = entry.totals as Totals;
    for (const name of names) {
      if (carried[name] !== totals[name]) tell(`${name} ${carried[name]}, not ${totals[name]}`);
    }
  }
  return totals;
}

/** An entry's lines say what it posts, and nothing that its type may not. */
function checkOwnLines(
  entry: Item,
  change: { toPayable: bigint; toHeld: bigint; toFees: bigint },
  violated: Violated,
): void {
  const lines = (entry.lines ?? []) as readonly Item[];
  const allowed = linesOfType[String(entry.type)];
  if (!allowed) {
    if (lines.length > 0) violated("has lines");
    return;
  }
  const sums = { toPayable: 0n, toHeld: 0n, toFees: 0n };
  if (lines.length === 0) violated("has no lines");
  for (const { movement, amountMicros, feeMicros, count, correctsSequence } of lines) {
    if (!allowed.includes(String(movement))) violated(`has a line that is ${movement}`);
    if ((amountMicros as bigint) < 0n || (feeMicros as bigint) < 0n || (count as bigint) < 0n) {
      violated(`a line of ${count}: ${amountMicros} micros, ${feeMicros} fee`);
    }
    const [payableSign, heldSign, feeSign] = effects[String(movement)] ?? [0n, 0n, 0n];
    sums.toPayable += payableSign * (amountMicros as bigint);
    sums.toHeld += heldSign * (amountMicros as bigint);
    sums.toFees += feeSign * (feeMicros as bigint);
    const earlier =
      correctsSequence === undefined || Number(correctsSequence) < Number(entry.sequence);
    if (!earlier) violated(`corrects ${correctsSequence}, which is not before it`);
    if (entry.type === "settlement" && correctsSequence !== undefined) violated("corrects");
  }
  const says = `${sums.toPayable} ${sums.toHeld} ${sums.toFees}`;
  const posts = `${change.toPayable} ${change.toHeld} ${change.toFees}`;
  if (says !== posts) violated(`its lines say ${says}, it posts ${posts}`);
}

function checkAccount(
  account: Item | undefined,
  entries: readonly Item[],
  totals: Totals,
  violated: Violated,
): void {
  if (!account) {
    if (entries.length > 0) violated("has entries, and no account");
    return;
  }
  if (Number(account.sequence) !== entries.length)
    violated(`the account is at ${account.sequence}`);
  const carried = account.totals as Totals;
  for (const name of names) {
    if (carried[name] !== totals[name]) {
      violated(`the account has ${name} ${carried[name]}, not ${totals[name]}`);
    }
  }
  if (account.bucket === undefined) violated("the account is on no list");
}

/** Line by line all that was counted is booked: nothing pending, nothing twice. */
function checkLines(entries: readonly Item[], counters: readonly Item[], violated: Violated): void {
  const left = new Map<string, { count: bigint; net: bigint; fee: bigint }>();
  const add = (name: string, sign: bigint, count: bigint, net: bigint, fee: bigint) => {
    const sum = left.get(name) ?? { count: 0n, net: 0n, fee: 0n };
    left.set(name, {
      count: sum.count + sign * count,
      net: sum.net + sign * net,
      fee: sum.fee + sign * fee,
    });
  };
  const letters: Record<string, string> = { p: "paid", h: "held", f: "freed", v: "voided" };
  letters.d = "dropped";
  for (const counter of counters) {
    const [article, day] = String(counter.sk).split("\t");
    for (const [line, { count, net, fee }] of linesOf(counter)) {
      const { base, letter, reason } = partsOfLine(line);
      const movement = letters[letter];
      if (movement === undefined) continue;
      add(`${article} ${day} ${base} ${movement} ${reason}`, 1n, count, net, fee);
    }
  }
  for (const { lines = [] } of entries as readonly { lines?: readonly Item[] }[]) {
    for (const line of lines) {
      const card = line.model === "pool" ? `~${line.card}` : line.card;
      const base = `${line.kind}.${card}.${line.sharesVersion}`;
      const { count, amountMicros, feeMicros } = line as Record<string, bigint>;
      const name = `${line.articleId} ${line.day} ${base} ${line.movement} ${line.reason}`;
      add(name, -1n, count ?? 0n, amountMicros ?? 0n, feeMicros ?? 0n);
    }
  }
  for (const [name, { count, net, fee }] of left) {
    if (count === 0n && net === 0n && fee === 0n) continue;
    violated(`${name}: ${count} (${net} micros, ${fee} fee) pending for ever, or booked too often`);
  }
}

/** Each payout has one entry that reserved it and, once it is over, one that says how. */
function checkPayouts(
  payouts: readonly Item[],
  entries: readonly Item[],
  items: readonly Item[],
  totals: Totals,
  violated: Violated,
): void {
  const ofType = (type: string) => entries.filter((entry) => entry.type === type);
  if (ofType("payout").length !== payouts.length) violated("payouts and their entries differ");
  let open = 0n;
  for (const { pk, sk, sequence, state, amountMicros, requestedAtMs } of payouts) {
    const tell = (what: string) => violated(`${sk}: ${what}`);
    const reserving = entries.find((entry) => entry.sequence === sequence);
    if (reserving?.type !== "payout") tell("no entry reserved it");
    const paidOut = ((reserving?.postings ?? []) as readonly Item[]).find(
      ({ account }) => account === "clearing:payouts",
    );
    if (paidOut?.amountMicros !== -(amountMicros as bigint)) tell(`is of ${amountMicros}`);
    if ((amountMicros as bigint) % 10_000n !== 0n) tell("is not whole cents");
    const results = entries.filter(
      ({ type, corrects }) =>
        /^payout-/.test(String(type)) &&
        String(corrects).endsWith(String(sk).slice("payout#".length)),
    );
    const expected = { paid: "payout-confirmation", failed: "payout-failure" }[String(state)];
    const types = results.map(({ type }) => type).join();
    if (types !== (expected ?? "")) tell(`is ${state}, and has ${types}`);
    const isOpen = items.some(
      (item) =>
        item.pk === "payouts#open" &&
        `creator#${item.creatorId}` === pk &&
        item.sequence === sequence &&
        item.requestedAtMs === requestedAtMs,
    );
    if (isOpen !== (state === "reserved")) tell(`is ${state}, and ${isOpen ? "" : "not "}open`);
    if (state === "reserved") open += amountMicros as bigint;
  }
  const inPayout = (totals.reserved ?? 0n) - (totals.returned ?? 0n) - (totals.confirmed ?? 0n);
  if (inPayout !== open) violated(`${inPayout} in payout, ${open} open`);
}
