import { isValidBIC, ValidationErrorsIBAN, validateIBAN } from "ibantools";
import * as z from "zod";

const capitals = /^[A-Z0-9]*$/;
const maxLength = 34;

/**
 * What is wrong with an IBAN, in words that name the part and never the number; undefined: nothing.
 * It knows each country's length and format (ISO 13616) and the check digits (ISO 7064). National check
 * digits are left to the bank: they have exceptions, and nobody could be paid who is one.
 */
export function ibanProblem(iban: string): string | undefined {
  if (iban === "") return "is empty";
  if (!capitals.test(iban)) {
    return "has characters that no IBAN has: send capital letters and digits, without spaces";
  }
  if (iban.length > maxLength) return `has a wrong length: no IBAN is longer than ${maxLength}`;
  const { errorCodes } = validateIBAN(iban);
  const country = iban.slice(0, 2);
  const failed = (code: ValidationErrorsIBAN) => errorCodes.includes(code);
  if (failed(ValidationErrorsIBAN.NoIBANCountry)) {
    return `has a wrong country: no country with IBANs has the code ${JSON.stringify(country)}`;
  }
  if (failed(ValidationErrorsIBAN.WrongBBANLength)) {
    return `has a wrong length: ${iban.length} characters are not as many as an IBAN of ${country} has`;
  }
  if (failed(ValidationErrorsIBAN.ChecksumNotNumber)) {
    return `has no check digits: after ${country} come two digits`;
  }
  if (failed(ValidationErrorsIBAN.WrongBBANFormat)) {
    return `has a letter where an IBAN of ${country} has a digit, or the other way round`;
  }
  if (failed(ValidationErrorsIBAN.WrongIBANChecksum)) {
    return "has wrong check digits: a digit or letter is mistyped, or two are swapped";
  }
  return undefined;
}

const ibanSchema = z.string().superRefine((text, context) => {
  const problem = ibanProblem(text);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
});

const bicSchema = z
  .string()
  .regex(/^[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$/, "must be a BIC: 8 or 11 capitals and digits")
  .refine(isValidBIC, "has a wrong country: its fifth and sixth letters are the code of none");

/** An account, as banks write it. */
export const accountFields = { iban: ibanSchema, bic: bicSchema.optional() };
