import { posix } from "node:path";
import { createContext, Script } from "node:vm";
import { UsageError } from "../../local/cli/options.ts";

/** How articles and creators follow from paths; what is left undefined keeps its default. */
export interface PathRules {
  /** Globs of paths to leave out. */
  readonly exclude: readonly string[];
  /** Finds the article's id in a path, as its group `article`. Default: the path itself. */
  readonly articleFrom: RegExp | undefined;
  /** Finds the creator's id in a path, as its group `creator`. Default: the first path segment. */
  readonly creatorFrom: RegExp | undefined;
  /** Whose all other articles are. */
  readonly creator: string | undefined;
}

export type MappedPath =
  | { readonly articleId: string; readonly creatorId: string }
  | { readonly skipped: "excluded" | "no_article" | "no_creator" };

export type MapPath = (path: string) => MappedPath;

const pathsRemembered = 100_000;
const matchWithinMs = 1_000;

/**
 * Reads paths by the rules. A pattern that backtracks without end is stopped: it would seem to hang on
 * some line of a long log.
 * @throws UsageError, when a path is read, if the patterns need more than a second for it.
 */
export function pathMapper(rules: PathRules): MapPath {
  const { exclude, articleFrom, creatorFrom } = rules;
  const map = (path: string) => mapPath(rules, path);
  if (exclude.length === 0 && !articleFrom && !creatorFrom) return map;
  const known = new Map<string, MappedPath>();
  const mapInTime = stopped(map, matchWithinMs);
  return (path) => {
    const remembered = known.get(path);
    if (remembered) return remembered;
    if (known.size >= pathsRemembered) known.clear();
    const mapped = mapInTime(path);
    known.set(path, mapped);
    return mapped;
  };
}

function mapPath({ exclude, articleFrom, creatorFrom, creator }: PathRules, path: string) {
  if (exclude.some((glob) => posix.matchesGlob(path, glob)))
    return { skipped: "excluded" } as const;
  const articleId = articleFrom ? articleFrom.exec(path)?.groups?.article : path;
  if (!articleId) return { skipped: "no_article" } as const;
  const found = creatorFrom?.exec(path)?.groups?.creator || creator;
  const creatorId = found ?? (creatorFrom ? undefined : firstSegment(path));
  return creatorId ? { articleId, creatorId } : ({ skipped: "no_creator" } as const);
}

/**
 * The first path segment with a name: `//a/b` is served as `/a/b` is, and `..` would climb out of
 * `/v1/creators/{creatorId}` in every URL library.
 */
export function firstSegment(path: string): string {
  const named = path.split("/").find((segment) => !/^\.{0,2}$/.test(segment));
  return named ?? "site";
}

/** The same function, stopped after so long; only `node:vm` can interrupt a regular expression. */
function stopped(map: MapPath, withinMs: number): MapPath {
  const context = createContext({ map, path: "" });
  const script = new Script("map(path)");
  return (path) => {
    context.path = path;
    try {
      return script.runInContext(context, { timeout: withinMs });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
      throw new UsageError(
        `--exclude, --article-from or --creator-from takes more than ${withinMs / 1_000} s for the ` +
          `path ${JSON.stringify(path)}: avoid a repetition within a repetition, as in (a+)+`,
        { cause: error },
      );
    }
  };
}

/** @throws UsageError when it can match no path. */
export function readGlob(text: string): string {
  if (/^[\w.~%-]/.test(text) || text === "") {
    throw new UsageError(
      `--exclude ${JSON.stringify(text)} matches no path, since paths begin with a slash: write ` +
        `/${text} or **/${text}`,
    );
  }
  return text;
}

/** @throws UsageError when it is no regular expression, or has no such group. */
export function readPattern(option: string, group: string, text: string): RegExp {
  const example = `for example --${option} '${patternExamples[group]}'`;
  let pattern: RegExp;
  try {
    pattern = new RegExp(text);
  } catch (cause) {
    const why = (cause as Error).message.replace(/^Invalid regular expression: /, "");
    throw new UsageError(`--${option} is not a regular expression: ${why}; ${example}`, { cause });
  }
  // An alternative that matches everything tells which groups there are.
  const groups = new RegExp(`${text}|`).exec("")?.groups ?? {};
  if (group in groups) return pattern;
  throw new UsageError(`--${option} needs a group (?<${group}>…), ${example}`);
}

const patternExamples: Readonly<Record<string, string>> = {
  creator: "^/@(?<creator>[^/]+)/",
  article: "^(?<article>/.+?)/?$",
};
