import { describeProof } from "../proof/describe-proof.ts";
import type { Proof } from "../proof/read-proof.ts";
import { grouped, pairs } from "../text.ts";
import { articleTable, creatorTable, outcomes } from "./earnings-tables.ts";
import type { ImportResult } from "./import-log.ts";
import type { ReadTotals } from "./read-visits.ts";
import { type SkipReason, skipReasons } from "./select-visit.ts";
import type { TallyLine } from "./tally.ts";

const rowsShown = 20;

/** What an import did, for people; every number that matters has a line of its own. */
export function report(result: ImportResult, { all }: { readonly all: boolean }): string {
  const rows = all ? Number.POSITIVE_INFINITY : rowsShown;
  const { articles } = result.waited;
  return [
    ...section("By creator", creatorTable(articles, rows)),
    ...section("By article", articleTable(articles, rows)),
    ...section("Totals", totals(result)),
    ...section("What became of them, in this import or before", outcomes(articles)),
    ...section("Left out", leftOut(result)),
    ...section("Broken lines", brokenLines(result)),
    ...section("Proof", proofLines(result.proofs?.after)),
  ].join("\n");
}

/** Why the import is not a success, or undefined when it is. */
export function failureOf({ read, waited, proofs }: ImportResult): string | undefined {
  const failures = [
    noLineFits(read),
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
  const counted = after.counted.engagements - before.counted.engagements;
  const rejected = after.rejected.engagements - before.rejected.engagements;
  const again = BigInt(sent.accepted - waited.missing) - counted - rejected;
  return [
    ["newly counted", grouped(counted)],
    // Others may report engagements meanwhile, and the totals are everybody's.
    ["duplicates", grouped(again < 0n ? 0n : again)],
  ];
}

function leftOut({ read, sent }: ImportResult): string[] {
  const skipped = (Object.keys(skipReasons) as SkipReason[]).map(
    (reason) => [skipReasons[reason], read.skipped[reason]] as const,
  );
  const refusals = [read.refused, sent.refused].flatMap((tally) => tally.lines());
  const lines = [
    ...skipped
      .filter(([, count]) => count > 0)
      .map(([text, count]) => [text, grouped(count)] as const),
    ...(read.brokenCount > 0 ? [["broken line", grouped(read.brokenCount)] as const] : []),
    ...merged(refusals).map(({ reason, count }) => [`refused, ${reason}`, grouped(count)] as const),
    ...sent.refusedArticles
      .lines()
      .map(
        ({ reason, count, example }) =>
          [`article refused, ${reason} (${example})`, grouped(count)] as const,
      ),
  ];
  const tooOld = refusals.some(({ reason }) => reason.startsWith("too_old"));
  return [
    ...pairs(lines),
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
