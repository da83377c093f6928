import { describe, expect, test } from "vitest";
import { isWalk, pagesInOrder, shellBlocksOf } from "../../support/walks.ts";

const blocks = pagesInOrder().flatMap(shellBlocksOf);

test("README comes first, then the pages in the order in which it lists them", () => {
  const pages = pagesInOrder();
  expect(pages.slice(0, 3)).toEqual(["README.md", "docs/earnings.md", "docs/exactly-once.md"]);
  expect(pages).toContain("docs/importing-logs.md");
});

describe("commands of the pages", () => {
  test.each(blocks)("$page:$line is a walk, or says why not", ({ mark }) => {
    expect(mark).toMatch(/^(walk|no walk: .+)$/);
  });

  /** What macOS's tools, or shells other than bash, lack. */
  const notPortable = {
    "nanoseconds (date %N)": /date [^\n)]*%N/,
    "date -d": /\bdate -d/,
    "in place (sed -i)": /\bsed -i/,
    "Perl's expressions (grep -P)": /\bgrep -\w*P/,
    "optional and repeated (\\? and \\+) in sed and grep": /\b(sed|grep) [^\n|]*\\[?+]/,
    "base64 -w": /\bbase64 -w/,
    "bash's [[ … ]], $RANDOM, function and <(…)": /\[\[ |\$RANDOM|^function |<\(/m,
  };
  /** A terminal's zsh reads comments as commands: an apostrophe opens a string there. */
  const comments = /^\s*#[^\n]*'[^'\n]*$/m;

  test.each(blocks.filter(isWalk))("$page:$line runs in any shell", ({ commands }) => {
    for (const [what, expression] of Object.entries(notPortable)) {
      expect(commands, what).not.toMatch(expression);
    }
    expect(commands, "an apostrophe in a comment").not.toMatch(comments);
  });
});
