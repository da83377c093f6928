import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { ArticleId, CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import { limits } from "../../core/contracts/limits.ts";
import type { InboxReader } from "../../core/notifications/read-inbox.ts";
import type { InboxItem } from "../../core/notifications/told-store.ts";
import { wrongCursor } from "../../core/perimeter/page.ts";
import { type Clock, dayMs } from "../../core/values/time.ts";
import type { Item } from "./items.ts";

const partitionOf = (readerId: ReaderId) => `inbox#${readerId}`;
/** `<time>#<hash of article>` */
const cursorPattern = /^\d{4}-\d{2}-\d{2}T[\d:.]{12}Z#[0-9a-f]{32}$/;

export function inboxItem(readerId: ReaderId, articleHash: string, item: InboxItem): Item {
  const { atMs, ...rest } = item;
  return {
    pk: partitionOf(readerId),
    sk: `${new Date(atMs).toISOString()}#${articleHash}`,
    ...rest,
    atMs: BigInt(atMs),
    ttl: BigInt(Math.ceil((atMs + limits.inboxTtlDays * dayMs) / 1_000)),
  };
}

/** Readers' inboxes, in the table of followers. */
export function dynamoDbInboxes(
  client: DynamoDBDocumentClient,
  followersTable: string,
  clock: Clock,
): InboxReader {
  return {
    async page(readerId, limit, cursor) {
      if (cursor !== undefined && !cursorPattern.test(cursor)) throw wrongCursor();
      const oldestMs = clock.nowMs() - limits.inboxTtlDays * dayMs;
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: followersTable,
          KeyConditionExpression: "pk = :pk AND sk BETWEEN :oldest AND :newest",
          ExpressionAttributeValues: {
            ":pk": partitionOf(readerId),
            ":oldest": new Date(oldestMs).toISOString(),
            ":newest": cursor ?? "9",
          },
          ConsistentRead: true,
          ScanIndexForward: false,
          // The cursor itself is found again: it was the last of the page before.
          Limit: limit + (cursor === undefined ? 0 : 1),
        }),
      );
      const items = Items.filter(({ sk }) => sk !== cursor).slice(0, limit);
      const last = items.at(-1);
      return {
        items: items.map(inboxFromItem),
        ...(last && items.length === limit ? { nextCursor: String(last.sk) } : {}),
      };
    },
  };
}

function inboxFromItem({ articleId, creatorId, title, url, excerpt, atMs }: Item): InboxItem {
  return {
    articleId: String(articleId) as ArticleId,
    creatorId: String(creatorId) as CreatorId,
    title: String(title),
    url: String(url),
    ...(excerpt !== undefined && { excerpt: String(excerpt) }),
    atMs: Number(atMs),
  };
}
