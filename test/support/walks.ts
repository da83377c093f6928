import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** A block of commands for a shell: its language says so, or its first line looks like one. */
export interface ShellBlock {
  readonly page: string;
  readonly line: number;
  /** The HTML comment in the line above: `walk`, or `no walk: <why not>`. */
  readonly mark: string | undefined;
  readonly commands: string;
}

/** README first, then the pages in the order of its list "More", then all others. */
export function pagesInOrder(): string[] {
  const [, more = ""] = /^## More$(.*)/ms.exec(textOf("README.md")) ?? [];
  const listed = [...more.matchAll(/\((docs\/[\w-]+\.md)\)/g)].map(([, page = ""]) => page);
  const others = globSync("docs/*.md", { cwd: root }).toSorted();
  return [...new Set(["README.md", ...listed, ...others])];
}

export function shellBlocksOf(page: string): ShellBlock[] {
  const text = textOf(page);
  const blocks = text.matchAll(/^ *(?:<!-- ([^\n]*) -->\n *)?```(\S*)[^\n]*\n(.*?)^ *```$/gms);
  return [...blocks].flatMap(({ 1: mark, 2: language = "", 3: commands = "", index }) => {
    const forShell =
      /^(sh|bash|zsh|shell|console)$/.test(language) ||
      (language === "" && /^(\$|(curl|node|npm|npx|[A-Z_]+=\S*) )/.test(commands));
    const line = text.slice(0, index).split("\n").length;
    return forShell ? [{ page, line, mark, commands }] : [];
  });
}

export const isWalk = ({ mark }: ShellBlock): boolean => mark === "walk";

/** An answer, as JSON, that a page shows below its commands. */
export interface ShownAnswer {
  readonly json: string;
  /** True: its totals are of the whole platform, and shown is what the page adds to them. */
  readonly added: boolean;
}

export function answersOf(page: string): ShownAnswer[] {
  const answers = textOf(page).matchAll(/^<!-- answer(: added)? -->\n```json\n(.*?)^```$/gms);
  return [...answers].map(([, added, json = ""]) => ({ json, added: added !== undefined }));
}

const textOf = (page: string): string => readFileSync(join(root, page), "utf8");
