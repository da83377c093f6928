import { isKnownBot } from "../../adapters/bots.ts";
import { dynamoDbArticleGroups } from "../../adapters/dynamodb/article-group-store.ts";
import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { dynamoDbCountingTable } from "../../adapters/dynamodb/counting-table.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbRateCards } from "../../adapters/dynamodb/rate-card-store.ts";
import { dynamoDbReaderHistory } from "../../adapters/dynamodb/reader-history.ts";
import { dynamoDbReviews } from "../../adapters/dynamodb/review-store.ts";
import { dynamoDbReviewTable } from "../../adapters/dynamodb/review-table.ts";
import { dynamoDbSettlementTable } from "../../adapters/dynamodb/settlement-table.ts";
import { sha256Hex, systemClock, systemPacing } from "../../adapters/runtime.ts";
import { type AcceptedEngagement, engagementsAccepted } from "../../core/contracts/events.ts";
import { type ArticleId, type CreatorId, defaultArticleGroup } from "../../core/contracts/ids.ts";
import { type CountDeps, countEngagements } from "../../core/earnings/count-engagements.ts";
import { countInTransactions } from "../../core/earnings/count-in-transactions.ts";
import { type SettleDeps, settleCreator } from "../../core/earnings/settle-creator.ts";
import type { Share } from "../../core/registry/article.ts";
import { chunk } from "../../core/values/group-by.ts";
import { micros } from "../../core/values/micros.ts";
import type { TestTables } from "../../test/support/tables.ts";

const dayMs = 86_400_000;
const perEvent = 500;
const traffic = { maxPerReaderHour: 120, maxPerReaderDay: 500, tokenBurst: 20 };

/** Counting and settling as the functions do it, on tables of one's own. */
export function moneyPath(tables: TestTables) {
  const { client, registryTable } = tables;
  const articles = dynamoDbArticles(client, registryTable);
  const countDeps: CountDeps = {
    ...{ articles, traffic, isBot: isKnownBot, sha256: sha256Hex, clock: systemClock },
    creators: dynamoDbCreators(client, registryTable),
    groups: dynamoDbArticleGroups(client, registryTable),
    rateCards: dynamoDbRateCards(client, registryTable),
    history: dynamoDbReaderHistory({
      ...{ client, clock: systemClock, impressionKeysTable: tables.impressionKeysTable },
      maxItems: traffic.maxPerReaderDay + 100,
    }),
    countOnce: countInTransactions({
      table: dynamoDbCountingTable({ ...tables, clock: systemClock }),
      ...{ clock: systemClock, pacing: systemPacing },
    }),
    reviewTable: dynamoDbReviewTable({ ...tables, publisherId: "bench" }),
    reviews: dynamoDbReviews(client, registryTable),
    ...{ pacing: systemPacing, publisherId: "bench", currency: "USD" },
    ...{ dedupeTtlMs: 90 * dayMs, poolOpenMs: 6 * 3_600_000 },
  };
  const settleDeps: SettleDeps = {
    table: dynamoDbSettlementTable({ ...tables, holdMs: 14 * dayMs }),
    ...{ clock: systemClock, pacing: systemPacing },
    ...{ currency: "USD", minMicros: micros(0), maxWaitMs: 0 },
  };
  return {
    async register(ids: readonly ArticleId[], sharesOf: (id: ArticleId) => readonly Share[]) {
      const put = (articleId: ArticleId) =>
        articles.put({
          ...{ articleId, title: "t", rateCards: [], updatedAtMs: 0, revision: 1 },
          terms: [
            {
              ...{ version: 1, effectiveFromMs: 0, group: defaultArticleGroup },
              shares: sharesOf(articleId),
            },
          ],
        });
      for (const part of chunk(ids, 200)) await Promise.all(part.map(put));
    },
    /** @param batch how many engagements one invocation of the worker sees. */
    async count(engagements: readonly AcceptedEngagement[], batch: number): Promise<void> {
      for (const part of chunk(engagements, batch)) {
        const { failedIds, recorded } = await countEngagements(
          countDeps,
          deliveriesOf(part),
          Number.POSITIVE_INFINITY,
        );
        // A bench of work that was not done would look cheap.
        if (failedIds.length > 0 || recorded !== part.length) {
          throw new Error(`only ${recorded} of ${part.length} engagements were counted`);
        }
      }
    },
    /** @returns how many ledger entries that made. */
    async settle(creatorIds: readonly CreatorId[]): Promise<number> {
      let entries = 0;
      for (const part of chunk(creatorIds, 8)) {
        const results = await Promise.all(
          part.map((creatorId) => settleCreator(settleDeps, creatorId, "0".repeat(32))),
        );
        for (const result of results) entries += result.entries;
      }
      return entries;
    },
  };
}

function deliveriesOf(engagements: readonly AcceptedEngagement[]) {
  const { source, detailType } = engagementsAccepted;
  const traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
  return chunk(engagements, perEvent).map((part, index) => {
    const detail = { schemaVersion: 2, traceparent, acceptedAtMs: 0, engagements: part };
    const body = JSON.stringify({ source, "detail-type": detailType, detail });
    return { id: String(index), body };
  });
}
