import { decimalOf, type PayoutFormat, type Transfer } from "../../core/payouts/export-payouts.ts";
import { csvExact, csvLine, csvText } from "../../core/values/csv.ts";
import { pain001Payouts } from "./pain-001.ts";

type Column = readonly [name: string, textOf: (transfer: Transfer) => string, kind?: "id"];

const columns: readonly Column[] = [
  ["payout_id", ({ payoutId }) => payoutId, "id"],
  ["creator_id", ({ creatorId }) => creatorId],
  ["amount", ({ amountMicros }) => decimalOf(amountMicros)],
  ["currency", ({ currency }) => currency],
  ["requested_at", ({ requestedAtMs }) => new Date(requestedAtMs).toISOString()],
  ["reference", ({ reference }) => reference, "id"],
  ["payee_name", ({ payee }) => payee?.name ?? ""],
  ["iban", ({ payee }) => payee?.iban ?? ""],
  ["bic", ({ payee }) => payee?.bic ?? ""],
  ["problem", ({ problem }) => problem ?? ""],
];

/** RFC 4180, with a header. A payout that no bank would take stays in it, and says why. */
export const csvPayouts: PayoutFormat = {
  contentType: "text/csv; charset=utf-8; header=present",
  fileName: "payouts.csv",
  needsDebtor: false,
  showsProblems: true,
  // Here one looks up why a payout is missing from the other file.
  problemOf: pain001Payouts.problemOf,
  write(transfers) {
    const rows = transfers.map((transfer) =>
      columns.map(([, textOf, kind]) => {
        const text = textOf(transfer);
        // Of an id nothing but letters, digits, % and -_.!~*'() is left, and it must come back as it is.
        return kind === "id" ? csvExact(text) : csvText(text);
      }),
    );
    return [columns.map(([name]) => name), ...rows].map(csvLine).join("");
  },
};
