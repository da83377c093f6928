import { describe, expect, it } from "vitest";
import type { Api } from "../../../cli/api/api-client.ts";
import { describeDifference, describeProof } from "../../../cli/proof/describe-proof.ts";
import { readProof } from "../../../cli/proof/read-proof.ts";
import { simpleProof } from "./simple-proof.ts";

const answering =
  (status: number, body: unknown): Api =>
  async () => ({ status, body });

async function pageOf(changes: Parameters<typeof simpleProof>[0] = {}) {
  const { value } = await readProof(answering(200, simpleProof(changes)));
  return describeProof(value);
}

describe("describeProof", () => {
  it("says what there is, and that it adds up", async () => {
    expect(await pageOf()).toEqual([
      "counted                             1,234 engagements, each once, for 1 creator",
      "  earned                            $1.300000",
      "  of this voided later              $0.001000",
      "rejected after acceptance           2 engagements",
      "waiting in counters, to be payable  $0.300000",
      "waiting in counters, to be held     $0.000000",
      "in the ledger                       3 entries",
      "  payable                           $0.900000",
      "  held                              $0.099000",
      "  in payout                         $0.000000",
      "  paid out                          $0.000000",
      "  booked by hand, in all that       $0.000000",
      "  the publisher's fees, beside it   $0.050000",
      "Everything adds up.",
    ]);
  });

  it("tells the canary's test views apart from readers' engagements", async () => {
    const canary = { engagements: "4", micros: "0", entries: 2, note: "" };
    const page = (await pageOf({ canary, creators: 2 })).join("\n");
    expect(page).toMatch(/^counted +1,230 engagements, each once, for 1 creator\n/);
    expect(page).toMatch(/\nin the ledger +1 entry\n/);
    expect(page).toMatch(
      /\nthe canary, beside all that +4 test views in 2 entries, worth \$0\.000000\n/,
    );
  });

  it("says that totals are of several moments when money moved", async () => {
    expect((await pageOf({ quiet: false })).join("\n")).toMatch(/Money moved .*\nEverything adds/);
  });

  it("names each difference, and then says nothing else", async () => {
    const differences = [
      {
        ...{ what: "counters do not match the tally: micros", unit: "micros" },
        ...{ expected: "1300000", actual: "1299000" },
      },
      {
        ...{ what: "entries are missing or numbered wrongly", unit: "count" },
        creatorId: 'the "great"',
        entryId: "the%20%22great%22.0000000001",
        expected: "0",
        actual: "5",
      },
    ];
    const page = (await pageOf({ ok: false, differences })).join("\n");
    expect(page).not.toContain("Everything");
    expect(page).toContain("It does not add up: 2 differences");
    expect(page).toContain(
      "  - counters do not match the tally: micros; " +
        "expected $1.300000, found $1.299000, $0.001000 too little",
    );
    expect(page).toContain(
      '  - creator "the \\"great\\"", entry the%20%22great%22.0000000001: ' +
        "entries are missing or numbered wrongly; expected 0, found 5, 5 too much",
    );
  });

  it("never calls an answer fine that says it is not", async () => {
    expect((await pageOf({ ok: false })).join("\n")).not.toContain("Everything");
    const difference = { what: "odd", expected: "1", actual: "2" };
    expect((await pageOf({ differences: [difference] })).join("\n")).not.toContain("Everything");
  });

  it("writes amounts beyond 2^53 exactly", () => {
    const difference = { what: "odd", expected: 9_007_199_254_740_993n, actual: 0n };
    expect(describeDifference(difference)).toContain("9,007,199,254,740,993 too little");
    const ofMoney = describeDifference({ ...difference, unit: "micros" }, "EUR");
    expect(ofMoney).toContain("€9,007,199,254.740993 too little");
  });
});

describe("readProof", () => {
  it("keeps the answer as it came", async () => {
    const body = { ...simpleProof(), more: ["than", "is", "known"] };
    expect((await readProof(answering(200, body))).raw).toBe(body);
  });

  it.each([
    [503, { detail: "busy" }, "503, busy"],
    [200, undefined, "not what this version knows"],
    [200, simpleProof({ creators: "many" }), "creators"],
    [200, simpleProof({ counters: { pendingMicros: "0.5", pendingHeldMicros: "0" } }), "pending"],
  ])("refuses %j %j", async (status, body, message) => {
    await expect(readProof(answering(status, body))).rejects.toThrow(message);
  });
});
