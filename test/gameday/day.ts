import type { Api } from "../../cli/api/api-client.ts";
import type { FaultPlan } from "../../local/faults.ts";
import type { AlarmBoard } from "./alarms.ts";
import type { Clients } from "./clients.ts";
import type { Operator } from "./operator.ts";
import type { Oracle } from "./oracle.ts";
import type { Program } from "./program.ts";
import type { Sources } from "./sources.ts";
import type { Story } from "./story.ts";
import type { Until } from "./until.ts";

/** Everything that a round may touch. */
export interface Day {
  readonly sources: Sources;
  readonly program: Program;
  readonly operator: Operator;
  /** As whoever has a token for it; sent again until it is answered. */
  readonly api: Api;
  readonly clients: Clients;
  readonly oracle: Oracle;
  readonly board: AlarmBoard;
  readonly until: Until;
  /** When all of it has to be over, since the epoch. */
  readonly deadlineMs: number;
  /** Has a fault strike until it is ended; others go on. */
  inject(name: string, functions: NonNullable<FaultPlan["functions"]>): Promise<void>;
  end(name: string): Promise<void>;
}

/** A fault from its beginning to its end: what is played, and what is told of it. */
export interface Round {
  readonly name: string;
  readonly what: string;
  play(day: Day, story: Story): Promise<void>;
}

/** Waits until the program has said something, after that line. */
export async function said(day: Day, what: RegExp, afterLine: number): Promise<string> {
  return await day.until(`npm start says ${what}`, async () => {
    const found = day.program.lines.slice(afterLine).find((line) => what.test(line));
    return { found, seen: day.program.lines.at(-1) ?? "" };
  });
}

/** Has the operator look, and shows what there is to see. */
export async function look(day: Day, story: Story, ...words: string[]): Promise<void> {
  const { command, lines } = await day.operator.run(...words);
  story.show(command, lines);
}
