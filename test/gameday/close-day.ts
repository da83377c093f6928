import { type AllBooks, readBooks } from "./books.ts";
import type { Day } from "./day.ts";
import { articles } from "./setting.ts";
import { NotReached, untilBefore } from "./until.ts";

/** Nothing is under way any more: what is missing after so long is lost. */
const settledWithinMs = 90_000;

/** Waits until all is settled, or does not come. @returns the books, and what is wrong with them. */
export async function closeDay({
  api,
  oracle,
}: Day): Promise<{ books: AllBooks; wrong: string[] }> {
  let books = await readBooks(api, articles);
  let wrong = wrongIn(oracle, books);
  try {
    await untilBefore(Date.now() + settledWithinMs)(
      "everything is settled",
      async () => {
        books = await readBooks(api, articles);
        wrong = wrongIn(oracle, books);
        return { found: wrong.length === 0 ? true : undefined, seen: wrong.join("; ") };
      },
      1_000,
    );
  } catch (error) {
    if (!(error instanceof NotReached)) throw error;
  }
  return { books, wrong };
}

function wrongIn(oracle: Day["oracle"], books: AllBooks): string[] {
  const { proof, pendingMicros } = books;
  return [
    ...oracle.judge(books),
    ...(pendingMicros === 0n ? [] : [`${pendingMicros} micros are not settled`]),
    ...(proof.ok && proof.quiet ? [] : [`the proof: ok ${proof.ok}, quiet ${proof.quiet}`]),
    ...proof.differences.map(({ what }) => `the proof: ${what}`),
  ];
}
