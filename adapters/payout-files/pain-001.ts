/// <reference path="../../node_modules/sepa/dist/types/sepa.d.ts" />
import { Document } from "sepa";
import { decimalOf, type PayoutFormat, type Transfer } from "../../core/payouts/export-payouts.ts";
import type { Payee } from "../../core/registry/creator.ts";
import { sumMicros } from "../../core/values/micros.ts";
import { sha256Hex } from "../runtime.ts";

/** A customer's credit transfers as ISO 20022 writes them, the version banks take since 2025. */
const painFormat = "pain.001.001.09";
const maxNameLength = 70;
const largestTransfer = 999_999_999_990_000n;

/** What the bank is sent. Those it could not carry out are left out: it would refuse the file whole. */
export const pain001Payouts: PayoutFormat = {
  contentType: "application/xml; charset=utf-8",
  fileName: "payouts.xml",
  needsDebtor: true,
  showsProblems: false,
  problemOf: ({ payee, amountMicros }) => {
    if (amountMicros > largestTransfer) return "the amount is more than one transfer carries";
    if (!/[A-Za-z0-9]/.test(latin(payee.name))) return "the payee's name has no Latin letters";
    return bicFits(payee) ? undefined : "the BIC is of another country than the IBAN";
  },
  write(transfers, debtor, nowMs) {
    if (!debtor) throw new Error("a credit transfer needs the account that pays");
    const document = new Document(painFormat);
    // The same payouts are the same message: a bank refuses the second copy of a file.
    document.grpHdr.id = messageIdOf(transfers);
    document.grpHdr.created = new Date(nowMs);
    document.grpHdr.initiatorName = latin(debtor.name);
    const payment = document.createPaymentInfo();
    payment.requestedExecutionDate = new Date(nowMs);
    payment.debtorName = latin(debtor.name);
    payment.debtorIBAN = debtor.iban;
    payment.debtorBIC = debtor.bic ?? "";
    document.addPaymentInfo(payment);
    for (const transfer of transfers) addTransfer(payment, transfer);
    return checked(document.toString(), transfers);
  },
};

function addTransfer(payment: ReturnType<Document["createPaymentInfo"]>, transfer: Transfer) {
  const { payee, reference, amountMicros, currency } = transfer;
  const transaction = payment.createTransaction();
  transaction.end2endId = reference;
  // Below a billion, whole cents survive a double; `checked` makes sure that they did.
  transaction.amount = Number(decimalOf(amountMicros));
  transaction.currency = currency;
  transaction.creditorName = latin(payee?.name ?? "");
  transaction.creditorIBAN = payee?.iban ?? "";
  transaction.creditorBIC = payee?.bic ?? "";
  transaction.remittanceInfo = reference;
  payment.addTransaction(transaction);
}

/** The library reckons in floats and knows euros only: neither may reach a bank unseen. */
function checked(xml: string, transfers: readonly Transfer[]): string {
  const found = (tag: RegExp) => [...xml.matchAll(tag)].map(([, text]) => text);
  const sum = decimalOf(sumMicros(transfers.map(({ amountMicros }) => amountMicros)));
  const amounts = transfers.map(({ amountMicros }) => decimalOf(amountMicros));
  const asked = [...amounts, sum, sum].sort();
  const written = [...found(/<InstdAmt [^>]*>([^<]*)</g), ...found(/<CtrlSum>([^<]*)</g)].sort();
  if (asked.join() !== written.join()) throw new Error("amounts changed while being written");
  const euros = transfers.every(({ currency }) => currency === "EUR");
  // SEPA carries nothing but euros; NURG is any other transfer that is not urgent.
  return euros ? xml : xml.replaceAll("<SvcLvl><Cd>SEPA</Cd></SvcLvl>", nonUrgent);
}

const nonUrgent = "<SvcLvl><Cd>NURG</Cd></SvcLvl>";

/** The library makes each transfer's id of it by adding to it; none may exceed 35 characters. */
function messageIdOf(transfers: readonly Transfer[]): string {
  return `PL${sha256Hex(transfers.map(({ payoutId }) => payoutId).join("\n")).slice(0, 22)}`;
}

const territories: Readonly<Record<string, readonly string[]>> = {
  FI: ["AX"],
  FR: ["GF", "GP", "MQ", "RE", "PF", "TF", "YT", "NC", "BL", "MF", "PM", "WF"],
  GB: ["IM", "JE", "GG"],
};

function bicFits({ iban, bic }: Payee): boolean {
  const [country, ofBank] = [iban.slice(0, 2), bic?.slice(4, 6)];
  return ofBank === undefined || ofBank === country || !!territories[country]?.includes(ofBank);
}

/** Letters that every bank takes: marks go, and what is left over becomes a dot. */
function latin(name: string): string {
  const plain = name.replaceAll("ß", "ss").normalize("NFKD").replace(/\p{M}/gu, "");
  return plain.replace(/[^A-Za-z0-9 /?:().,'+-]/g, ".").slice(0, maxNameLength);
}
