import { limits } from "../../core/contracts/limits.ts";
import { dayMs } from "../../core/values/time.ts";
import { describeProof } from "../proof/describe-proof.ts";
import { type Proof, readersEngagements } from "../proof/read-proof.ts";
import { amountOf, grouped, pairs } from "../text.ts";
import { articleTable, creatorTable, outcomes } from "./earnings-tables.ts";
import type { ImportResult } from "./import-log.ts";
import type { ReadTotals } from "./read-visits.ts";
import { type SkipReason, skipReasons } from "./select-visit.ts";
import type { TallyLine } from "./tally.ts";

const rowsShown = 20;
const reasonsTold = 3;

/** What an import did, for people; every number that matters has a line of its own. */
export function report(result: ImportResult, { all }: { readonly all: boolean }): string {
  const currency = result.proofs?.after.currency;
  const shown = { mostRows: all ? Number.POSITIVE_INFINITY : rowsShown, currency };
  const { articles } = result.waited;
  return [
    ...section("By creator", creatorTable(articles, shown)),
    ...section("By article", articleTable(articles, shown)),
    ...section("Totals", totals(result)),
    ...section("What became of them, in this import or before", outcomes(articles, currency)),
    ...section("Left out", leftOut(result)),
    ...section("Broken lines", brokenLines(result)),
    ...section("Proof", proofLines(result.proofs?.after)),
  ].join("\n");
}

/** Why the import is not a success, or undefined when it is. */
export function failureOf(result: ImportResult): string | undefined {
  const { read, waited, proofs } = result;
  const failures = [
    noLineFits(read) || nothingImported(result),
    proofs && !proofs.after.ok ? "the proof does not hold" : "",
    waited.missing > 0
      ? `of ${grouped(waited.missing)} accepted engagements nothing is known, and counting stands ` +
        "still: look at the queues and their dead letters; they are not lost, and importing again " +
        "changes nothing"
      : "",
    read.cutShort ? "the log is damaged and was not read to its end" : "",
  ].filter(Boolean);
  return failures.length === 0 ? undefined : failures.join("; ");
}

/** Whatever was read, it was no such log. An empty one is: nobody came. */
function noLineFits({ lines, broken, brokenCount, cutShort }: ReadTotals): string {
  // Where damaged data breaks off, no line was read.
  const whole = lines - (cutShort ? 1 : 0);
  if (whole === 0 || brokenCount < lines) return "";
  const [first] = broken;
  const why = first === undefined ? "" : `; line ${first.number} ${first.reason}`;
  return `no line of ${grouped(whole)} is in combined log format${why}`;
}

/** Nothing was sent, or nothing taken: why, and what to change. Of an empty log nothing is due. */
function nothingImported({ read, sent, rebase }: ImportResult): string {
  const { lines, tooOldMs } = read;
  if (lines === 0 || sent.accepted > 0 || read.cutShort) return "";
  const none = `0 of ${amountOf(lines, "request")} ${lines === 1 ? "was" : "were"} imported`;
  if (tooOldMs) {
    const [least, most] = [tooOldMs.least, tooOldMs.most].map((ms) => Math.floor(ms / dayMs));
    const ages =
      least === most ? grouped(most ?? 0) : `${grouped(least ?? 0)} to ${grouped(most ?? 0)}`;
    const advice = rebase ? "--rebase-to a later day" : "--rebase to move them to yesterday";
    return (
      `${none}: the log's are ${ages} days old, the API takes engagements at most ` +
      `${limits.maxPublisherAgeMs / dayMs} days old; run again with ${advice}`
    );
  }
  const reasons = reasonsLeftOut({ read, sent }).toSorted((a, b) => b.count - a.count);
  const told = reasons.slice(0, reasonsTold).map(({ text, count }) => `${grouped(count)} ${text}`);
  return `${none}: ${told.join("; ")}`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`), ""];
}

function totals({ read, sent, waited, distinct, proofs, rebase, tookMs }: ImportResult): string[] {
  const days = (rebase?.shiftMs ?? 0) / 86_400_000;
  const articleIds = new Set(waited.articles.map(({ articleId }) => articleId));
  return pairs([
    ["lines read", grouped(read.lines)],
    [
      "visits",
      `${grouped(read.visits)}, of these from a search engine ${grouped(read.searchVisits)}`,
    ],
    ["engagements accepted", `${grouped(sent.accepted)} of ${grouped(sent.offered)} sent`],
    [
      "different ones",
      `${distinct.exact ? "" : "more than "}${grouped(distinct.count)} (reader, article, kind and day)` +
        `${distinct.byBots === 0 ? "" : `, of these by known bots ${grouped(distinct.byBots)}`}`,
    ],
    ...duplicates({ sent, waited, distinct, proofs }),
    ["articles", `${grouped(articleIds.size)}, of these new ${grouped(sent.newArticles)}`],
    ...(rebase
      ? [
          [
            "times moved by",
            `${grouped(days)} days; to repeat: --rebase-to ${rebase.onto}`,
          ] as const,
        ]
      : []),
    ["took", `${(tookMs / 1_000).toFixed(1)} s`],
  ]);
}

type Line = readonly [name: string, value: string];

/** Accepted, and counted before: in this log, or by another import. */
function duplicates({
  sent,
  waited,
  distinct,
  proofs,
}: Pick<ImportResult, "sent" | "waited" | "distinct" | "proofs">): Line[] {
  if (!proofs) {
    const within = Math.max(0, sent.accepted - distinct.count);
    return [["duplicates", `${grouped(within)} within this log, if not more`]];
  }
  const { before, after } = proofs;
  const counted = newlyCounted(proofs);
  const rejected = after.rejected.engagements - before.rejected.engagements;
  const again = BigInt(sent.accepted - waited.missing) - counted - rejected;
  return [
    ["newly counted", grouped(counted)],
    // Others may report engagements meanwhile, and the totals are everybody's.
    ["duplicates", grouped(again < 0n ? 0n : again)],
  ];
}

/** By anyone meanwhile, but for the canary. */
export function newlyCounted({ before, after }: NonNullable<ImportResult["proofs"]>): bigint {
  return readersEngagements(after) - readersEngagements(before);
}

interface LeftOut {
  readonly text: string;
  readonly count: number;
}

/** Lines that were not sent, and engagements and articles that were refused, by reason. */
function reasonsLeftOut({ read, sent }: Pick<ImportResult, "read" | "sent">): LeftOut[] {
  const skipped = (Object.keys(skipReasons) as SkipReason[]).map(
    (reason) => [skipReasons[reason], read.skipped[reason]] as const,
  );
  const refusals = [read.refused, sent.refused].flatMap((tally) => tally.lines());
  return [
    ...skipped.map(([text, count]) => ({ text, count })),
    { text: "broken line", count: read.brokenCount },
    ...merged(refusals).map(({ reason, count }) => ({ text: `refused, ${reason}`, count })),
    ...sent.refusedArticles.lines().map(({ reason, count, example }) => ({
      text: `article refused, ${reason} (${example})`,
      count,
    })),
  ].filter(({ count }) => count > 0);
}

function leftOut(result: ImportResult): string[] {
  const lines = reasonsLeftOut(result);
  const tooOld = lines.some(({ text }) => text.startsWith("refused, too_old"));
  return [
    ...pairs(lines.map(({ text, count }) => [text, grouped(count)])),
    ...(tooOld ? ["--rebase moves an old log's times up to yesterday"] : []),
  ];
}

/** What was foreseen and what the API said, under one reason. */
function merged(lines: readonly TallyLine[]): TallyLine[] {
  return [...Map.groupBy(lines, ({ reason }) => reason)].map(([reason, same]) => ({
    reason,
    count: same.reduce((total, { count }) => total + count, 0),
  }));
}

function brokenLines({ read: { broken, brokenCount } }: ImportResult): string[] {
  const lines = broken.map(({ number, reason }) => `line ${number}: ${reason}`);
  const hidden = brokenCount - broken.length;
  return hidden > 0 ? [...lines, `and ${grouped(hidden)} more`] : lines;
}

function proofLines(proof: Proof | undefined): string[] {
  if (!proof) return ["not read: it takes a token with the scope admin (--admin-token)"];
  return describeProof(proof);
}
