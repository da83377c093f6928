import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { csvPayouts } from "../../../adapters/payout-files/csv.ts";
import { pain001Payouts } from "../../../adapters/payout-files/pain-001.ts";
import type { CreatorId } from "../../../core/contracts/ids.ts";
import { limits } from "../../../core/contracts/limits.ts";
import {
  decimalOf,
  exportPayouts,
  type PayoutFormat,
  type Transfer,
} from "../../../core/payouts/export-payouts.ts";
import type { OpenPayout } from "../../../core/payouts/payout.ts";
import type { Creator, Payee } from "../../../core/registry/creator.ts";
import { type Micros, micros } from "../../../core/values/micros.ts";
import { parseCsv } from "../../support/parse-csv.ts";

const nowMs = Date.parse("2028-02-29T12:00:00Z");
const iban = "DE89370400440532013000";
const debtor = { name: "Penny & Co", iban };

function open(creatorId: string, amountMicros: bigint, more: Partial<OpenPayout> = {}): OpenPayout {
  return {
    creatorId: creatorId as CreatorId,
    sequence: 7,
    currency: "USD",
    amountMicros: micros(amountMicros),
    requestedAtMs: nowMs,
    announced: true,
    ...more,
  };
}

function exported(
  format: PayoutFormat,
  payouts: readonly OpenPayout[],
  payees: Readonly<Record<string, Payee>>,
  from: Payee | undefined = debtor,
) {
  return exportPayouts(
    {
      payouts: {
        openPayouts: async function* () {
          yield* payouts;
        },
      },
      creators: {
        getMany: async (ids) =>
          new Map(ids.map((id) => [id, { payee: payees[id] } as unknown as Creator])),
      },
      clock: { nowMs: () => nowMs },
      sha256: (text) => createHash("sha256").update(text).digest("hex"),
      debtor: from,
    },
    format,
  );
}

describe("csv", () => {
  test("has a row for every payout, oldest first, those without a payee too", async () => {
    const { text, written, left } = await exported(
      csvPayouts,
      [open("bob", 10_000n, { requestedAtMs: nowMs + 1 }), open("ada", 12_340_000n)],
      { ada: { name: 'Ada "Countess", L.', iban, bic: "COBADEFFXXX" } },
    );
    expect(text.split("\r\n")).toEqual([
      "payout_id,creator_id,amount,currency,requested_at,reference,payee_name,iban,bic,problem",
      `ada.0000000007,ada,12.34,USD,2028-02-29T12:00:00.000Z,ada.0000000007,"Ada ""Countess"", L.",${iban},COBADEFFXXX,`,
      "bob.0000000007,bob,0.01,USD,2028-02-29T12:00:00.001Z,bob.0000000007,,,,no payee is registered",
      "",
    ]);
    expect([written.length, left.length]).toEqual([2, 0]);
  });

  test.each(["=1+1", "+1", "-1", "@SUM(A1)", "＝1"])("%s is no formula", async (name) => {
    const { text } = await exported(csvPayouts, [open("ada", 10_000n)], { ada: { name, iban } });
    expect(text).toContain(`,'${name},`);
  });

  test("reads back as it was written, whatever the names", async () => {
    const names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.array(names, { maxLength: 4 }), async (payeeNames) => {
        const payouts = payeeNames.map((_, index) => open(`c${index}`, 10_000n));
        const payees = Object.fromEntries(
          payeeNames.map((name, index) => [`c${index}`, { name, iban }]),
        );
        const { text } = await exported(csvPayouts, payouts, payees);
        const rows = parseCsv(text).slice(1);
        expect(rows.map((row) => row[6]?.replace(/^'/, ""))).toEqual(
          payeeNames.map((name) => name.replace(/^'/, "")),
        );
        for (const row of rows) expect(row[6]).not.toMatch(/^[=+\-@\t\r]/);
      }),
    );
  });

  test("says of what a bank's file leaves out why it does", async () => {
    const { text } = await exported(csvPayouts, [open("ada", 10_000n), open("bob", 10_000n)], {
      ada: { name: "Ada", iban, bic: "BNPAFRPP" },
      bob: { name: "株式会社", iban },
    });
    const problems = parseCsv(text).map((row) => row.at(-1));
    expect(problems.slice(1, 3)).toEqual([
      "the BIC is of another country than the IBAN",
      "the payee's name has no Latin letters",
    ]);
  });

  test("of a payout above the limit, reserved before there was one, it says so", async () => {
    const above = open("ada", 39_999_999_990_000_000n);
    const { text } = await exported(csvPayouts, [above], { ada: { name: "Ada", iban } });
    expect(text).toContain("the amount is more than the 1000000000.00 of one payout");
  });

  test("an IBAN with wrong check digits is said to be wrong", async () => {
    const wrong = { name: "Ada", iban: "DE88370400440532013000" };
    const { text } = await exported(csvPayouts, [open("ada", 10_000n)], { ada: wrong });
    expect(text).toContain("the IBAN has wrong check digits");
    const { left } = await exported(pain001Payouts, [open("ada", 10_000n), open("bob", 10_000n)], {
      ada: { name: "Ada", iban },
      // What the rules before let through, and mod 97 alone still would.
      bob: { name: "Bob", iban: "DE2750010517540732493" },
    });
    expect(left.map(({ problem }) => problem)).toEqual([expect.stringContaining("wrong length")]);
  });

  test("what a file cannot hold is left, not dropped unsaid", async () => {
    const payouts = Array.from({ length: limits.maxPayoutsPerFile + 3 }, (_, index) =>
      open("ada", 10_000n, { sequence: index + 1 }),
    );
    const { written, left } = await exported(csvPayouts, payouts, { ada: { name: "Ada", iban } });
    expect([written.length, left.length]).toEqual([limits.maxPayoutsPerFile, 3]);
    expect(left[0]?.problem).toBe("the file is full");
  });
});

describe("pain.001", () => {
  const textsOf = (xml: string, tag: string) =>
    [...xml.matchAll(new RegExp(`<${tag}(?: [^>]*)?>([^<]*)<`, "g"))].map(([, text]) => text);

  test("has a transfer for each payout that a bank can carry out", async () => {
    const { text, written, left } = await exported(
      pain001Payouts,
      [
        open("ada", 12_340_000n),
        open("bob", 990_000n),
        open("cleo", 10_000n),
        open("dee", 10_000n),
      ],
      {
        ada: { name: "Ada Löwenstraß <b> & Co", iban },
        bob: { name: "Bob", iban: "NL91ABNA0417164300", bic: "ABNANL2A" },
        cleo: { name: "Cleo", iban, bic: "ABNANL2A" },
      },
    );
    expect(text).toContain("urn:iso:std:iso:20022:tech:xsd:pain.001.001.09");
    expect(textsOf(text, "CtrlSum")).toEqual(["13.33", "13.33"]);
    expect(textsOf(text, "NbOfTxs")).toEqual(["2", "2"]);
    expect(textsOf(text, "InstdAmt")).toEqual(["12.34", "0.99"]);
    expect(text).toContain('<InstdAmt Ccy="USD">');
    expect(textsOf(text, "Cd")).toEqual(["NURG"]);
    expect(textsOf(text, "Nm")).toEqual([
      "Penny . Co",
      "Penny . Co",
      "Ada Lowenstrass .b. . Co",
      "Bob",
    ]);
    expect(textsOf(text, "EndToEndId")).toEqual(["ada.0000000007", "bob.0000000007"]);
    expect(written).toHaveLength(2);
    expect(left.map(({ problem }) => problem)).toEqual([
      "the BIC is of another country than the IBAN",
      "no payee is registered",
    ]);
  });

  test("the same payouts are the same message, others are another", async () => {
    const payees = { ada: { name: "Ada", iban } };
    const idOf = async (payouts: OpenPayout[]) =>
      textsOf((await exported(pain001Payouts, payouts, payees)).text, "MsgId")[0];
    const first = await idOf([open("ada", 10_000n)]);
    expect(first).toMatch(/^PL[0-9a-f]{22}$/);
    expect(await idOf([open("ada", 10_000n)])).toBe(first);
    expect(await idOf([open("ada", 10_000n, { sequence: 8 })])).not.toBe(first);
  });

  test("no id is longer than a bank takes, however many transfers there are", async () => {
    const payouts = Array.from({ length: limits.maxPayoutsPerFile }, (_, index) =>
      open("ada", 10_000n, { sequence: index + 1 }),
    );
    const { text } = await exported(pain001Payouts, payouts, { ada: { name: "Ada", iban } });
    const ids = ["MsgId", "PmtInfId", "InstrId", "EndToEndId"].flatMap((tag) => textsOf(text, tag));
    expect(new Set(ids).size).toBe(2 + 2 * limits.maxPayoutsPerFile);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9.-]{1,35}$/);
    expect(Buffer.byteLength(text)).toBeLessThan(5_000_000);
  });

  test("SEPA is said of euros only", async () => {
    const { text } = await exported(pain001Payouts, [open("ada", 10_000n, { currency: "EUR" })], {
      ada: { name: "Ada", iban },
    });
    expect(textsOf(text, "Cd")).toEqual(["SEPA"]);
  });

  test("a payout's id that is too long or odd for a bank travels as a hash", async () => {
    const creator = "a creator with a name as long as that";
    const { text } = await exported(pain001Payouts, [open(creator, 10_000n)], {
      [creator]: { name: "Ada", iban },
    });
    expect(textsOf(text, "EndToEndId")[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  test("without an account to pay from, or anything to pay, it is refused", async () => {
    const payees = { ada: { name: "Ada", iban } };
    const payouts = [open("ada", 10_000n)];
    const noDebtor = exportPayoutsWithoutDebtor(payouts);
    await expect(noDebtor).rejects.toThrow("payouts.debtor");
    await expect(exported(pain001Payouts, [], payees)).rejects.toMatchObject({ status: 404 });
    await expect(exported(pain001Payouts, payouts, {})).rejects.toThrow("None of 1 open payouts");
  });

  function exportPayoutsWithoutDebtor(payouts: readonly OpenPayout[]) {
    return exportPayouts(
      {
        payouts: {
          openPayouts: async function* () {
            yield* payouts;
          },
        },
        creators: { getMany: async () => new Map() },
        clock: { nowMs: () => nowMs },
        sha256: () => "",
        debtor: undefined,
      },
      pain001Payouts,
    );
  }

  test("whole cents reach the file exactly, however many and large", () => {
    const cents = fc.bigInt({ min: 1n, max: 99_999_999_999n });
    fc.assert(
      fc.property(fc.array(cents, { minLength: 1, maxLength: 60 }), (amounts) => {
        const transfers = amounts.map(
          (amount, index): Transfer => ({
            payoutId: `ada.${index}`,
            creatorId: "ada" as CreatorId,
            currency: "USD",
            amountMicros: micros(amount * 10_000n),
            requestedAtMs: nowMs,
            reference: `ada.${index}`,
            payee: { name: "Ada", iban },
          }),
        );
        const xml = pain001Payouts.write(transfers, debtor, nowMs);
        expect(textsOf(xml, "InstdAmt")).toEqual(
          transfers.map(({ amountMicros }) => decimalOf(amountMicros)),
        );
      }),
    );
  });
});

test("an amount that is not whole cents is never written down", () => {
  expect(decimalOf(10_000n as Micros)).toBe("0.01");
  expect(decimalOf(1_234_560_000n as Micros)).toBe("1234.56");
  expect(() => decimalOf(10_001n as Micros)).toThrow();
});
