import type { LetterStore } from "./letter-store.ts";

/** Beyond this nobody needs the number. */
const maxCounted = 20_000;

/** How many letters nobody has seen to, by queue. */
export async function countOpen(letters: Pick<LetterStore, "lines">): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let counted = 0;
  for await (const { queue } of letters.lines("open")) {
    counts.set(queue, (counts.get(queue) ?? 0) + 1);
    counted += 1;
    if (counted === maxCounted) break;
  }
  return counts;
}
