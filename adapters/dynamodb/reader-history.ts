import { type DynamoDBDocumentClient, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { ArticleGroupId } from "../../core/contracts/ids.ts";
import type { EngagementKind } from "../../core/contracts/kinds.ts";
import type { ImpressionKey, ReaderDay } from "../../core/earnings/impression-key.ts";
import type {
  ReaderDayHistory,
  ReaderHistory,
  RecordedEngagement,
} from "../../core/earnings/reader-history.ts";
import { chunk } from "../../core/values/group-by.ts";
import type { Clock } from "../../core/values/time.ts";
import {
  impressionKeyOfItem,
  isPresentedItem,
  poolOfItem,
  presentedKey,
  seconds,
} from "./impression-items.ts";
import type { Item } from "./items.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly impressionKeysTable: string;
  readonly clock: Clock;
  /** A reader with more than this many engagements in a day is over every rate. */
  readonly maxItems: number;
}

/** Queries run side by side. */
const queriesAtOnce = 64;

/** A reader's day is one partition: a query of some kilobytes, and no write besides the keys. */
export function dynamoDbReaderHistory(deps: Deps): ReaderHistory {
  return {
    async read(days) {
      const histories = new Map<ReaderDay, ReaderDayHistory>();
      for (const group of chunk(days, queriesAtOnce)) {
        const read = await Promise.all(group.map((day) => readDay(deps, day)));
        group.forEach((day, index) => {
          const history = read[index];
          if (history) histories.set(day, history);
        });
      }
      return histories;
    },
    async addPresentedBy(day, requests, expiresAtMs) {
      await deps.client.send(
        new UpdateCommand({
          TableName: deps.impressionKeysTable,
          Key: presentedKey(day),
          UpdateExpression: "SET #ttl = :ttl ADD #requests :requests",
          ExpressionAttributeNames: { "#ttl": "ttl", "#requests": "requests" },
          ExpressionAttributeValues: {
            ":ttl": seconds(expiresAtMs),
            ":requests": new Set(requests),
          },
        }),
      );
    },
  };
}

async function readDay(deps: Deps, day: ReaderDay): Promise<ReaderDayHistory | undefined> {
  const { Items = [], LastEvaluatedKey } = await deps.client.send(
    new QueryCommand({
      TableName: deps.impressionKeysTable,
      KeyConditionExpression: "pk = :day",
      ProjectionExpression:
        "pk, sk, #ttl, #kind, #at, #state, #reason, #token, #request, #requests, #weight",
      ExpressionAttributeNames: {
        "#ttl": "ttl",
        "#kind": "kind",
        "#at": "at",
        "#state": "state",
        "#reason": "reason",
        "#token": "token",
        "#request": "request",
        "#requests": "requests",
        "#weight": "weight",
      },
      ExpressionAttributeValues: { ":day": day },
      ConsistentRead: true,
      Limit: deps.maxItems,
    }),
  );
  // Expired items are deleted days late; until then they must not count as present.
  const now = seconds(deps.clock.nowMs());
  const live = Items.filter(({ ttl }) => (ttl as bigint) >= now);
  return live.length === 0 ? undefined : historyOf(live, LastEvaluatedKey !== undefined);
}

function historyOf(items: readonly Item[], truncated: boolean): ReaderDayHistory {
  const recorded = new Map<ImpressionKey, RecordedEngagement>();
  const poolWeights = new Map<ArticleGroupId, bigint>();
  let presentedBy: ReadonlySet<string> = new Set();
  for (const item of items) {
    const pool = poolOfItem(item);
    if (pool !== undefined) poolWeights.set(pool, item.weight as bigint);
    else if (isPresentedItem(item)) presentedBy = item.requests as Set<string>;
    else recorded.set(impressionKeyOfItem(item), recordedOf(item));
  }
  return { recorded, presentedBy, poolWeights, truncated };
}

function recordedOf({ kind, at, state, reason, token, request }: Item): RecordedEngagement {
  return {
    kind: kind as EngagementKind,
    occurredAtMs: Number(at),
    state: state as RecordedEngagement["state"],
    reason: reason as string | undefined,
    presentation:
      token === undefined ? undefined : { token: String(token), request: String(request) },
  };
}
