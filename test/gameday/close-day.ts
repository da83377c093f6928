import { setTimeout as delay } from "node:timers/promises";
import { type AllBooks, readBooks } from "./books.ts";
import type { Day } from "./day.ts";
import { articles } from "./setting.ts";

/** What has not come when nothing has changed for so long is lost. */
const patienceMs = 60_000;
const lookEveryMs = 1_000;

/**
 * Waits until everything is settled, or nothing moves any more.
 * @param show of dead letters that no round knows of: on a machine that does too much at once
 * messages may fail four times. They are redriven, as they should.
 * @returns the books, and what is wrong with them.
 */
export async function closeDay(
  { api, oracle, operator, deadlineMs }: Day,
  show: (command: string, screen: readonly string[]) => void,
): Promise<{ books: AllBooks; wrong: string[] }> {
  let seen = "";
  let changedMs = Date.now();
  for (;;) {
    const books = await readBooks(api, articles);
    const missing = missingIn(oracle, books);
    // The proof may differ from one look to the next, as the canary goes on.
    const wrong = [...missing, ...doubtsIn(books.proof)];
    if (missing.join() !== seen) changedMs = Date.now();
    seen = missing.join();
    const nowMs = Date.now();
    // What is redriven and fails, again and again, changes all the time.
    const isOver = nowMs - changedMs > patienceMs || nowMs > deadlineMs;
    if (wrong.length === 0 || isOver) return { books, wrong };
    if (books.open > 0) {
      for (const words of [["dead-letters"], ["redrive", "--all", "--note", "it was overloaded"]]) {
        const { command, lines } = await operator.run(...words);
        show(command, lines);
      }
    }
    await delay(lookEveryMs);
  }
}

function missingIn(oracle: Day["oracle"], books: AllBooks): string[] {
  const { pendingMicros } = books;
  return [
    ...oracle.judge(books),
    ...(pendingMicros === 0n ? [] : [`${pendingMicros} micros are not settled`]),
  ];
}

function doubtsIn({ ok, quiet, differences }: AllBooks["proof"]): string[] {
  return [
    ...(ok && quiet ? [] : [`the proof: ok ${ok}, quiet ${quiet}`]),
    ...differences.map(({ what }) => `the proof: ${what}`),
  ];
}
