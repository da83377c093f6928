import { UsageError } from "../../local/cli/options.ts";
import { systemPacing } from "../api/connect.ts";
import { connectionOptions, nonEmpty, readTarget } from "../api/connection.ts";
import { command, exitCodes, oneWord, type ValuesOf, wholeNumber } from "../program/command.ts";
import { type ImportOptions, importLog as run } from "./import-log.ts";
import { progressOn } from "./progress.ts";
import { parseDay } from "./rebase.ts";
import { failureOf, report } from "./report.ts";

const minReaderKeyLength = 16;
const mostSeconds = 999_999;

export const options = {
  rebase: {
    type: "boolean",
    text:
      "move all times by whole days, so that the latest falls on yesterday (UTC); the API takes " +
      "nothing older than 35 days",
  },
  "rebase-to": {
    type: "string",
    value: "DAY",
    text:
      "the same, onto that day (yyyy-mm-dd): to repeat a rebased import later without counting " +
      "it as new traffic",
  },
  api: connectionOptions.api,
  token: {
    type: "string",
    value: "JWT",
    text: "a token with the scope publisher, for a deployed stage; also PENNYLINE_TOKEN",
  },
  "admin-token": {
    type: "string",
    value: "JWT",
    text:
      "a token with the scope admin, for the proof; also PENNYLINE_ADMIN_TOKEN; default: the " +
      "publisher's token, in case it has both scopes",
  },
  "data-dir": {
    type: "string",
    value: "DIR",
    text:
      "folder of the copy that runs on this machine, and of the reader key (default " +
      ".pennyline/$PORT; of a deployed stage .pennyline/deployed)",
  },
  "reader-key": {
    type: "string",
    value: "KEY",
    text:
      `secret that turns address and user agent into reader ids, at least ${minReaderKeyLength} ` +
      "characters; also PENNYLINE_READER_KEY; default: one kept in the data folder. Another key " +
      "makes other readers: keep it, or views count again",
  },
  "include-bots": {
    type: "boolean",
    text: "send bots too: they are counted as void, and earn nothing",
  },
  all: { type: "boolean", text: "print every creator and article, not just the first 20" },
  wait: {
    type: "string",
    value: "SECONDS",
    text: "give up when nothing is counted for so long (default 120)",
  },
} as const;

export const importLog = command({
  name: "import-log",
  summary: "Counts the page views of a web server's access log as engagements.",
  usage: ["FILE [options]"],
  about: [
    "FILE is a log in combined format (Apache's or nginx's), plain or gzip; - reads standard input.",
    "A view is a GET with status 200 of a path whose last segment has no extension, .html or " +
      ".xhtml. The article is the path as it stands without its query, its creator the first path " +
      "segment (site for /). A view that a search engine referred also counts as a search_visit. " +
      "Lines by bots are left out. Articles that are not registered yet are registered. Importing a " +
      "log again changes nothing: a reader's view of an article counts once a day (UTC). What " +
      "becomes of each view is the API's to judge: paid, held (a reader with too many in an hour or " +
      "a day) or void.",
  ],
  options,
  exits: "0 when all is counted and the proof holds, 1 when not.",
  read({ words, values, env }) {
    const wanted = readOptions(words, values, env);
    return async ({ print, note }) => {
      const result = await run(wanted, {
        clock: { nowMs: Date.now },
        pacing: systemPacing,
        progress: progressOn(process.stderr, Date.now),
      });
      print(report(result, wanted));
      const failure = failureOf(result);
      if (failure === undefined) return exitCodes.yes;
      note(`import-log: ${failure}`);
      return exitCodes.no;
    };
  },
});

/** @throws UsageError that says what to change. */
export function readOptions(
  words: readonly string[],
  values: ValuesOf<typeof options>,
  env: NodeJS.ProcessEnv,
): ImportOptions {
  const file = oneWord(words, "a log file, or - for standard input");
  const target = readTarget(values, env);
  const ofEnvironment = (name: string) => (target.deployed ? nonEmpty(env[name]) : undefined);
  const publisherToken = nonEmpty(values.token) ?? ofEnvironment("PENNYLINE_TOKEN");
  const adminToken = nonEmpty(values["admin-token"]) ?? ofEnvironment("PENNYLINE_ADMIN_TOKEN");
  if (target.deployed && publisherToken === undefined) {
    throw new UsageError(
      "a deployed stage needs --token (or PENNYLINE_TOKEN): a JWT with the scope publisher",
    );
  }
  const readerKey = values["reader-key"] ?? nonEmpty(env.PENNYLINE_READER_KEY);
  if (readerKey !== undefined && readerKey.length < minReaderKeyLength) {
    throw new UsageError(`the reader key needs at least ${minReaderKeyLength} characters`);
  }
  return {
    ...target,
    ...{ file, publisherToken, adminToken: adminToken ?? publisherToken, readerKey },
    rebaseTo: readRebase(values.rebase, values["rebase-to"]),
    includeBots: values["include-bots"] ?? false,
    all: values.all ?? false,
    patienceMs: wholeNumber("wait", values.wait ?? "120", 0, mostSeconds) * 1_000,
  };
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
