import fc from "fast-check";
import { composeIBAN, getCountrySpecifications, isValidIBAN } from "ibantools";
import { describe, expect, test } from "vitest";
import { accountFields, ibanProblem } from "../../../core/contracts/bank.ts";

const good = ["DE89370400440532013000", "NL91ABNA0417164300", "GB29NWBK60161331926819"];
const countries = Object.entries(getCountrySpecifications()).flatMap(([country, { chars }]) =>
  chars ? [{ country, chars }] : [],
);

describe("an IBAN", () => {
  test.each(good)("%s is one", (iban) => {
    expect(ibanProblem(iban)).toBeUndefined();
  });

  test.each([
    ["no characters at all", "", "empty"],
    ["spaces", "DE89 3704 0044 0532 0130 00", "characters"],
    ["small letters", "de89370400440532013000", "characters"],
    ["a letter of another script", "DЕ89370400440532013000", "characters"],
    [
      "a country that is none",
      "XX89370400440532013000",
      'country: no country with IBANs has the code "XX"',
    ],
    ["a country without IBANs", "US89370400440532013000", '"US"'],
    [
      "a digit less",
      "DE8937040044053201300",
      "length: 21 characters are not as many as an IBAN of DE",
    ],
    ["a digit more", "DE893704004405320130000", "length: 23"],
    ["far too much", `DE${"8".repeat(1_000_000)}`, "longer than 34"],
    ["letters for check digits", "DEXX370400440532013000", "no check digits"],
    ["a letter for a digit", "DE8937040044053201300A", "letter where"],
    ["one digit mistyped", "DE89370400440532013001", "check digits"],
    ["two digits swapped", "DE89370400440532010300", "check digits"],
    ["wrong check digits", "DE88370400440532013000", "check digits"],
  ])("with %s is told which part is wrong", (_, iban, words) => {
    expect(ibanProblem(iban)).toContain(words);
    // A bank account is nobody else's business, and messages are logged.
    if (iban.length > 10) expect(ibanProblem(iban)).not.toContain(iban.slice(4));
  });

  test("with wrong national check digits is the bank's to judge", () => {
    const iban = composeIBAN({ countryCode: "BE", bban: "539007547035" }) ?? "";
    expect(isValidIBAN(iban)).toBe(false);
    expect(ibanProblem(iban)).toBeUndefined();
  });

  test("any single digit that is mistyped is found, in every country that has digits alone", () => {
    const digits = fc.string({
      unit: fc.constantFrom(..."0123456789"),
      minLength: 30,
      maxLength: 30,
    });
    const place = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...countries),
        digits,
        place,
        ({ country, chars }, text, [at, by]) => {
          const iban = composeIBAN({ countryCode: country, bban: text.slice(0, chars - 4) });
          fc.pre(iban !== null && ibanProblem(iban) === undefined);
          const index = 4 + (at % (chars - 4));
          const wrong = `${iban.slice(0, index)}${(Number(iban[index]) + by) % 10}${iban.slice(index + 1)}`;
          expect(ibanProblem(wrong)).toMatch(/check digits/);
        },
      ),
    );
  });

  test("whatever is sent, it is answered and never thrown", () => {
    const start = fc.constantFrom(...countries.map(({ country }) => country), "", "X", "__");
    const rest = fc.oneof(fc.string(), fc.stringMatching(/^[A-Z0-9]{0,34}$/));
    fc.assert(
      fc.property(start, rest, (country, text) => {
        const problem = ibanProblem(country + text);
        expect(["string", "undefined"]).toContain(typeof problem);
      }),
      { numRuns: 2_000 },
    );
  });
});

test.each([
  ["COBADEFFXXX", true],
  ["COBADEFF", true],
  ["COBADEF", false],
  ["cobadeff", false],
  ["COBAXXFF", false],
])("%s as a BIC: %s", (bic, ok) => {
  expect(accountFields.bic.safeParse(bic).success).toBe(ok);
});
