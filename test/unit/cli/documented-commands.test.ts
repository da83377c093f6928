import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commands } from "../../../cli/commands.ts";
import { parseLine } from "../../../cli/program/run-program.ts";

const root = join(import.meta.dirname, "../../..");
const files = globSync(["*.md", "docs/**/*.md"], { cwd: root });

/** Up to where the code of the page, or the command of the shell, ends. */
const mention = /npx pennyline((?: (?![|>&#])(?:"[^"\n]*"|'[^'\n]*'|[^\s"'`);:|]+))*)/g;

/** Every command line that a page names, with something in each place that is left open. */
function linesOf(file: string): string[][] {
  const text = readFileSync(join(root, file), "utf8")
    // Not a named group of a regular expression.
    .replaceAll(/(?<!\?)<[^>\n]*>/g, "something")
    .replaceAll(/"?\$SECRET"?/g, "whsec_c29tZXRoaW5n");
  return [...text.matchAll(mention)].map(([, words = ""]) =>
    [...words.matchAll(/"([^"]*)"|'([^']*)'|[^\s"']+/g)].map(
      ([word, quoted, verbatim]) => quoted ?? verbatim ?? word,
    ),
  );
}

const lines = files.flatMap((file) => linesOf(file).map((args) => ({ file, args })));

test("pages name commands", () => {
  const pages = new Set(lines.map(({ file }) => file));
  for (const page of ["README.md", "docs/runbook.md", "docs/dead-letters.md"]) {
    expect(pages).toContain(page);
  }
  expect(lines.length).toBeGreaterThan(40);
});

test.each(lines)("npx pennyline $args, in $file", ({ args }) => {
  // A command that is only spoken of may lack what it needs.
  if (commands.some(({ name }) => name === args.join(" "))) return;
  expect(() => parseLine(commands, args, {})).not.toThrow();
});
