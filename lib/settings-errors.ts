import { z } from "zod";

/** One line for each thing wrong with the settings; a key unknown is answered with the nearest. */
export function describeIssues(schema: z.ZodType, error: z.ZodError, at: string): string[] {
  return error.issues.flatMap((issue) => {
    const where = [at, ...issue.path.map(String)].join(".");
    if (issue.code !== "unrecognized_keys") return [`  ${where}: ${issue.message}`];
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => `  ${where}: unknown key "${key}"${suggestion(key, known)}`);
  });
}

function suggestion(key: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  if (nearest === undefined) return "";
  return nearest.distance <= Math.max(2, key.length / 3)
    ? `; did you mean "${nearest.name}"?`
    : `; known keys: ${known.join(", ")}`;
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = unwrap(schema);
  for (const step of path) {
    if (!(current instanceof z.ZodObject)) return [];
    current = unwrap(current.shape[String(step)]);
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

/** The schema below its defaults. */
function unwrap(schema: unknown): unknown {
  let current = schema;
  while (
    current instanceof z.ZodDefault ||
    current instanceof z.ZodPrefault ||
    current instanceof z.ZodOptional
  ) {
    current = current.unwrap();
  }
  return current;
}

/** Levenshtein's distance: how many letters to insert, drop or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
