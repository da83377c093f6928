import { amountText } from "./amounts.ts";
import type { Note, StatementFacts } from "./statement-document.ts";

/** What a reader may wonder about, where there is reason to. */
export function notesOf(facts: StatementFacts): Note[] {
  const { statement, holdDays, issuer } = facts;
  const { closing, currency, closed } = statement;
  const held = BigInt(closing.heldMicros);
  const payable = BigInt(closing.payableMicros);
  const fees = BigInt(statement.feesMicros);
  const withdrawn = BigInt(statement.reversedMicros) + BigInt(statement.heldReversedMicros);
  const money = (micros: bigint) => `${amountText(micros)} ${currency}`;
  const notes: (Note | false)[] = [
    !closed && {
      title: "Preliminary",
      text: "The month is not over, or only just. A statement made later may say more.",
    },
    held > 0n && {
      title: "Held",
      text:
        `${money(held)} waits until it is clear that people, and each of them once, were behind it. ` +
        `It becomes payable by itself after ${holdDays} days, unless a review finds otherwise.`,
    },
    withdrawn > 0n && {
      title: "Withdrawn",
      text:
        `${money(withdrawn)} was taken back because a review found that it should not have been ` +
        "earned. Each entry says why.",
    },
    payable < 0n && {
      title: "Below zero",
      text: "More was withdrawn than was left to be paid out. What is earned next makes up for it.",
    },
    fees !== 0n && {
      title: "Fees",
      text:
        `All amounts are what is yours: the fee of ${issuer.name}, ${money(fees)} this month, ` +
        "is not part of them.",
    },
    {
      title: "Questions",
      text:
        "Every entry can be looked up by its number and explains itself. If you think that " +
        "something was held or withdrawn wrongly, appeal against it, and name the article or the " +
        `entry: a person will look at it.${contact(issuer.questionsTo)}`,
    },
  ];
  return notes.filter((note) => note !== false);
}

function contact(questionsTo: string | undefined): string {
  return questionsTo === undefined ? "" : ` Write to ${questionsTo}.`;
}
