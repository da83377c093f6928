import { join } from "node:path";
import { parseArgs } from "node:util";
import { copyOptions, UsageError } from "../../local/cli/options.ts";
import { nonEmpty, readApiUrl } from "../api/options.ts";
import { parseDay } from "./rebase.ts";

export interface ImportOptions {
  /** A path, or `-` for standard input. */
  readonly file: string;
  readonly baseUrl: string;
  /** True when the tokens come from the data folder of the embedded cloud. */
  readonly embedded: boolean;
  readonly dataDir: string;
  readonly publisherToken: string | undefined;
  readonly adminToken: string | undefined;
  readonly readerKey: string | undefined;
  /** Midnight, UTC, of the day on which the latest line shall fall. */
  readonly rebaseTo: "yesterday" | number | undefined;
  readonly includeBots: boolean;
  readonly all: boolean;
  readonly patienceMs: number;
}

export const help = `Counts the page views of an access log as engagements.

  npm run import-log -- FILE [options]

FILE is a log in combined format (Apache's or nginx's), plain or gzip; - reads standard input.
A view is a GET with status 200 of a path whose last segment has no extension, .html or .xhtml.
The article is the path as it stands without its query, its creator the first path segment
(site for /). A view that a search engine referred also counts as a search_visit. Lines by bots
are left out. Articles that are not registered yet are registered. Importing a log again changes
nothing: a reader's view of an article counts once a day (UTC). What becomes of each view is the
API's to judge: paid, held (a reader with too many in an hour or a day) or void.

Times
  --rebase            move all times by whole days, so that the latest falls on yesterday (UTC);
                      the API takes nothing older than 35 days
  --rebase-to DAY     the same, onto that day (yyyy-mm-dd): to repeat a rebased import later
                      without counting it as new traffic

Where to
  --api URL           a deployed stack; default: the embedded cloud at http://127.0.0.1:$PORT
                      (PORT is 4000 when unset)
  --token JWT         a token with the scope publisher; also PENNYLINE_TOKEN
  --admin-token JWT   a token with the scope admin, for the proof; also PENNYLINE_ADMIN_TOKEN;
                      default: the publisher's token, in case it has both scopes
                      (for the embedded cloud both are made from its data folder)
  --data-dir DIR      folder of the embedded cloud, and of the reader key
                      (default .pennyline/$PORT, with --api .pennyline/deployed)
  --reader-key KEY    secret that turns address and user agent into reader ids, at least 16
                      characters; also PENNYLINE_READER_KEY; default: one kept in the data folder.
                      Another key makes other readers: keep it, or views count again

What
  --include-bots      send bots too: they are counted as void, and earn nothing
  --all               print every creator and article, not just the first 20
  --wait SECONDS      give up when nothing is counted for so long (default 120)
  --help              this text

Exit code: 0 when all is counted and the proof holds, 1 when not, 2 when the command is wrong.
`;

const minReaderKeyLength = 16;
const deployedFolder = join(".pennyline", "deployed");

/** @throws UsageError that says what to change. */
export function readOptions(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): ImportOptions | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const [file, ...more] = positionals;
  if (file === undefined || file === "")
    throw new UsageError("name a log file, or - for standard input");
  if (more.length > 0) throw new UsageError(`one log at a time; unexpected: ${more.join(" ")}`);
  const publisherToken = values.token ?? nonEmpty(env.PENNYLINE_TOKEN);
  const adminToken = values["admin-token"] ?? nonEmpty(env.PENNYLINE_ADMIN_TOKEN);
  const apiUrl = readApiUrl(values.api);
  if (apiUrl !== undefined && publisherToken === undefined) {
    throw new UsageError(
      "--api needs --token (or PENNYLINE_TOKEN): a JWT with the scope publisher",
    );
  }
  const readerKey = values["reader-key"] ?? nonEmpty(env.PENNYLINE_READER_KEY);
  if (readerKey !== undefined && readerKey.length < minReaderKeyLength) {
    throw new UsageError(`the reader key needs at least ${minReaderKeyLength} characters`);
  }
  // A deployed stack has no port of ours to name its folder by.
  const folder = values["data-dir"] ?? (apiUrl === undefined ? undefined : deployedFolder);
  const { port, dataDir } = copyOptions(folder, env);
  return {
    file,
    baseUrl: apiUrl ?? `http://127.0.0.1:${port}`,
    embedded: publisherToken === undefined,
    dataDir,
    publisherToken,
    adminToken: adminToken ?? publisherToken,
    readerKey,
    rebaseTo: readRebase(values.rebase, values["rebase-to"]),
    includeBots: values["include-bots"] ?? false,
    all: values.all ?? false,
    patienceMs: readSeconds(values.wait ?? "120") * 1_000,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rebase: { type: "boolean" },
        "rebase-to": { type: "string" },
        api: { type: "string" },
        token: { type: "string" },
        "admin-token": { type: "string" },
        "data-dir": { type: "string" },
        "reader-key": { type: "string" },
        "include-bots": { type: "boolean" },
        all: { type: "boolean" },
        wait: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readRebase(
  rebase: boolean | undefined,
  to: string | undefined,
): ImportOptions["rebaseTo"] {
  if (to === undefined) return rebase ? "yesterday" : undefined;
  const day = parseDay(to);
  if (day === undefined) throw new UsageError(`--rebase-to ${to} is not a day like 2026-01-31`);
  return day;
}

function readSeconds(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new UsageError(`--wait ${text} is not a number of seconds`);
}
