import { type ExitCode, exitCodes } from "../program/command.ts";
import { amountOf, grouped, table } from "../text.ts";
import { countsOf, inWords, type Redrive } from "./redrives.ts";

export interface Outcome {
  readonly redrives: readonly Redrive[];
  /** Letters that were asked for and could not be redriven. */
  readonly refused: readonly string[];
}

const mostLetters = 30;

/** What came of each letter; of many only those that did not succeed. */
export function describeRedrives({ redrives, refused }: Outcome): string[] {
  const letters = redrives.flatMap((redrive) => redrive.letters);
  const told =
    letters.length <= mostLetters
      ? letters
      : letters.filter(({ outcome }) => outcome !== "succeeded" && outcome !== "waiting");
  const shown = [
    ...told.map(({ letterId, outcome }) => [letterId, inWords(outcome)]),
    ...refused.map((letterId) => [letterId, "not redrivable"]),
  ];
  return [
    ...table([{ title: "letter" }, { title: "outcome" }], shown.slice(0, mostLetters)),
    ...(shown.length > mostLetters ? [`and ${grouped(shown.length - mostLetters)} more`] : []),
    ...(shown.length > 0 ? [""] : []),
    ...redrives.map((redrive) => `Redrive ${redrive.redriveId}: ${countsOf(redrive)}.`),
    ...(refused.length === 0 ? [] : [`${amountOf(refused.length, "letter")}: ${whyRefused}`]),
  ];
}

const whyRefused =
  "not redrivable. One that is waiting is on its way, a schedule runs again by itself, and " +
  "engagements may be too old to be counted only once: discard what nothing is to be done about.";

const isDone = ({ counts, letters }: Redrive): boolean => counts.succeeded === letters.length;

/** @param waited whether outcomes were waited for: then each has to be a success. */
export function verdictOn({ redrives, refused }: Outcome, waited: boolean): ExitCode {
  const failed = redrives.some(({ counts }) => (counts["failed-again"] ?? 0) > 0);
  const short = waited && !redrives.every(isDone);
  return failed || short || refused.length > 0 ? exitCodes.no : exitCodes.yes;
}
