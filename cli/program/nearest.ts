import type { Command } from "./command.ts";

/** What to say of a command that there is not. */
export function unknownCommand(commands: readonly Command[], given: string): string {
  const meant = nearest(
    given,
    commands.map(({ name }) => name),
  );
  const advice = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
  return `there is no command ${JSON.stringify(given)}${advice}`;
}

/** A misspelt word may be off by so many letters. */
const mostEdits = 3;

/** What somebody may have meant; undefined when nothing is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const near = known
    .map((one) => ({ one, edits: one.startsWith(word) ? 0 : editsBetween(word, one) }))
    .filter(({ one, edits }) => edits <= Math.min(mostEdits, one.length - 2))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.one;
}

/** Letters to add, drop or change (Levenshtein). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
