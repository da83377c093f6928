import { asJson } from "../text.ts";
import { earningsAsJson, reasonsOf } from "./earnings-tables.ts";
import type { ImportResult } from "./import-log.ts";
import { newlyCounted } from "./report.ts";

/**
 * What an import did, for programs: the numbers of the report by name, every creator and article, and
 * the proof. Money is in micros, as strings of digits.
 * @param failure why it is not a success; undefined: it is one.
 */
export function importAsJson(result: ImportResult, failure: string | undefined): string {
  const { read, sent, waited, distinct, rebase, proofs, tookMs } = result;
  const { lines, visits, searchVisits, skipped, broken, brokenCount, cutShort, refused } = read;
  const value = {
    ok: failure === undefined,
    ...(failure !== undefined && { failure }),
    read: {
      ...{ lines, visits, searchVisits, skipped, cutShort },
      broken: { count: brokenCount, first: broken },
      refused: refused.lines(),
    },
    sent: {
      ...sent,
      refused: sent.refused.lines(),
      refusedArticles: sent.refusedArticles.lines(),
    },
    distinct,
    ...(proofs && { newlyCounted: newlyCounted(proofs) }),
    missing: waited.missing,
    ...earningsAsJson(waited.articles),
    held: reasonsOf(waited.articles, "held"),
    void: reasonsOf(waited.articles, "void"),
    ...(rebase && { rebase: { days: rebase.shiftMs / 86_400_000, onto: rebase.onto } }),
    ...(proofs && { proof: proofs.after }),
    tookMs,
  };
  return asJson(value);
}
