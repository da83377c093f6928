import { creatorIdSchema } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import { dayMs } from "../../core/values/time.ts";
import { UsageError } from "../../local/cli/options.ts";
import { systemPacing } from "../api/connect.ts";
import { connectionOptions, nonEmpty, readTarget } from "../api/connection.ts";
import { command, exitCodes, oneWord, type ValuesOf, wholeNumber } from "../program/command.ts";
import { importAsJson } from "./import-as-json.ts";
import { type ImportOptions, importLog as run } from "./import-log.ts";
import { type PathRules, readGlob, readPattern } from "./map-path.ts";
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
      `nothing older than ${limits.maxPublisherAgeMs / dayMs} days`,
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
  exclude: {
    type: "string",
    multiple: true,
    value: "GLOB",
    text:
      "leave out paths like this; may be repeated. * stands for anything but a slash, ** for " +
      "anything: --exclude '/drafts/**' --exclude /about.html",
  },
  "article-from": {
    type: "string",
    value: "REGEX",
    text:
      "the article's id is what the group (?<article>…) of this regular expression finds in the " +
      "path, for example '^/posts/(?<article>[^/]+)'; paths without one are left out (default: the " +
      "path)",
  },
  "creator-from": {
    type: "string",
    value: "REGEX",
    text:
      "the creator is what the group (?<creator>…) finds in the path, for example " +
      "'^/@(?<creator>[^/]+)/'; paths without one are left out, or are --creator's (default: the " +
      "first path segment)",
  },
  creator: {
    type: "string",
    value: "ID",
    text: "whose articles these are, where --creator-from does not say it",
  },
  "include-listings": {
    type: "boolean",
    text: "count tag pages, feeds, searches, pages of lists and date archives as articles, too",
  },
  "include-bots": {
    type: "boolean",
    text: "send bots too: they are counted as void, and earn nothing",
  },
  json: { type: "boolean", text: "print the report for programs, with money in micros" },
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
      ".xhtml. Tag pages, feeds, searches, pages of lists and date archives are left out. The article " +
      "is the path as it stands without its query, its creator the first path segment (site for " +
      "/); --article-from and --creator-from change that. Patterns see the path alone, as logged. " +
      "A view that a search engine referred also counts as a search_visit. " +
      "Lines by bots are left out. Articles that are not registered yet are registered. Importing a " +
      "log again changes nothing: a reader's view of an article counts once a day (UTC). What " +
      "becomes of each view is the API's to judge: paid, held (a reader with too many in an hour or " +
      "a day) or void.",
  ],
  options,
  exits: "0 when all is counted and the proof holds, 1 when not, or when nothing was imported.",
  read({ words, values, env }) {
    const wanted = readOptions(words, values, env);
    return async ({ print, note }) => {
      const result = await run(wanted, {
        clock: { nowMs: Date.now },
        pacing: systemPacing,
        progress: progressOn(process.stderr, Date.now),
      });
      const failure = failureOf(result);
      print(wanted.json ? importAsJson(result, failure) : report(result, wanted));
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
    includeListings: values["include-listings"] ?? false,
    paths: readPathRules(values),
    json: values.json ?? false,
    all: values.all ?? false,
    patienceMs: wholeNumber("wait", values.wait ?? "120", 0, mostSeconds) * 1_000,
  };
}

function readPathRules(values: ValuesOf<typeof options>): PathRules {
  const { exclude = [], creator } = values;
  const pattern = (option: "article-from" | "creator-from", group: string) => {
    const text = values[option];
    return text === undefined ? undefined : readPattern(option, group, text);
  };
  const wrong = creator === undefined ? undefined : creatorIdSchema.safeParse(creator).error;
  if (wrong) throw new UsageError(`--creator ${wrong.issues[0]?.message}`);
  return {
    exclude: exclude.map(readGlob),
    articleFrom: pattern("article-from", "article"),
    creatorFrom: pattern("creator-from", "creator"),
    creator,
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
