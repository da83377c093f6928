import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  PutCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { ArticleId, CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import type { NotificationChannel } from "../../core/contracts/kinds.ts";
import { limits } from "../../core/contracts/limits.ts";
import type {
  InboxItem,
  MailReports,
  Outcome,
  TaggedMail,
  Telling,
  Told,
  ToldStore,
} from "../../core/notifications/told-store.ts";
import { chunk } from "../../core/values/group-by.ts";
import { backoffMs, type Pacing } from "../../core/values/retry.ts";
import { type Clock, dayMs } from "../../core/values/time.ts";
import { sha256Hex } from "../runtime.ts";
import { inboxItem } from "./inbox-items.ts";
import { getItems, type Item } from "./items.ts";
import { type Action, cancellationOf } from "./write-transaction.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly followersTable: string;
  readonly clock: Clock;
  readonly pacing: Pacing;
}

/** Hashes of 128 bits: nobody can read from a key, or an e-mail's tag, who it is about. */
const hashOf = (text: string) => sha256Hex(text).slice(0, 32);
const partitionOf = (article: string, reader: string) => `told#${article}#${reader.slice(0, 1)}`;

function keyOf(articleId: ArticleId, channel: NotificationChannel, readerId: ReaderId) {
  const reader = hashOf(readerId);
  return { pk: partitionOf(hashOf(articleId), reader), sk: `${reader}#${channel}` };
}

/** Two items a reader: its mark and what is put into its inbox. */
const readersPerTransaction = limits.maxTransactionActions / 2;
const maxAttempts = 12;

/** Who was told of what, in the table of followers. */
export function dynamoDbTold(deps: Deps): ToldStore {
  const { client, followersTable: TableName, clock } = deps;
  const ttlOf = (atMs: number) => BigInt(Math.ceil((atMs + limits.toldTtlDays * dayMs) / 1_000));
  const markItem = (telling: Telling, channel: NotificationChannel, told: Told): Item => {
    const { articleId, creatorId, readerId, chunk: name } = telling;
    return {
      ...keyOf(articleId, channel, readerId),
      // For what is reported of it later; the key tells nobody.
      ...{ creatorId, readerId, chunk: name },
      ...told.outcome,
      ...{ atMs: BigInt(told.atMs), attempt: BigInt(told.attempt), ttl: ttlOf(told.atMs) },
    };
  };
  const readMarks: ToldStore["read"] = async (articleId, channel, readerIds) => {
    const keys = readerIds.map((readerId) => keyOf(articleId, channel, readerId));
    const items = await getItems(client, TableName, keys);
    const alive = items.filter(({ ttl }) => Number(ttl) * 1_000 > clock.nowMs());
    return new Map(alive.map((item) => [String(item.readerId) as ReaderId, toldFromItem(item)]));
  };
  return {
    read: readMarks,
    async claim(telling, channel, before, atMs) {
      const claim: Told = {
        ...{ outcome: { state: "claimed" }, chunk: telling.chunk, atMs },
        attempt: (before?.attempt ?? 0) + 1,
      };
      const written = await unlessLost(
        client.send(
          new PutCommand({
            TableName,
            Item: markItem(telling, channel, claim),
            ...(before ? ifStill(before) : ifFree(clock.nowMs())),
          }),
        ),
      );
      return written ? claim : "lost";
    },
    async settle({ articleId, readerId }, channel, claim, outcome) {
      const { state } = outcome;
      const reason = state === "sent" ? undefined : outcome.reason;
      const { ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues } =
        ifStill(claim);
      await unlessLost(
        client.send(
          new UpdateCommand({
            TableName,
            Key: keyOf(articleId, channel, readerId),
            UpdateExpression: `SET #state = :state${reason ? ", reason = :reason" : ""}`,
            ConditionExpression,
            ExpressionAttributeNames,
            ExpressionAttributeValues: {
              ...ExpressionAttributeValues,
              ":state": state,
              ...(reason && { ":reason": reason }),
            },
          }),
        ),
      );
    },
    async release({ articleId, readerId }, channel, claim) {
      const Key = keyOf(articleId, channel, readerId);
      await unlessLost(client.send(new DeleteCommand({ TableName, Key, ...ifStill(claim) })));
    },
    async tellInboxes(tellings, item) {
      for (const group of chunk(tellings, readersPerTransaction)) {
        await tellGroup(group, item);
      }
    },
  };

  async function tellGroup(tellings: readonly Telling[], item: InboxItem): Promise<void> {
    const told: Told = {
      ...{ outcome: { state: "sent" }, atMs: item.atMs, attempt: 1 },
      chunk: "",
    };
    let left = tellings;
    for (let attempt = 0; attempt < maxAttempts && left.length > 0; attempt += 1) {
      const actions = left.flatMap((one): Action[] => [
        {
          Put: {
            TableName,
            Item: markItem(one, "inbox", { ...told, chunk: one.chunk }),
            ...ifFree(clock.nowMs()),
          },
        },
        { Put: { TableName, Item: inboxItem(one.readerId, hashOf(item.articleId), item) } },
      ]);
      const codes = await cancellationOf(client, actions);
      if (codes === undefined) return;
      left = left.filter((_, index) => codes[2 * index] !== "ConditionalCheckFailed");
      await deps.pacing.sleep(backoffMs(attempt, { baseMs: 10, capMs: 500 }, deps.pacing.random));
    }
    if (left.length > 0) throw new Error(`${left.length} inboxes stayed contended`);
  }
}

/** Nothing is there, or nothing that still counts. */
function ifFree(nowMs: number) {
  return {
    ConditionExpression: "attribute_not_exists(pk) OR #ttl <= :now",
    ExpressionAttributeNames: { "#ttl": "ttl" },
    ExpressionAttributeValues: { ":now": BigInt(Math.floor(nowMs / 1_000)) },
  };
}

function ifStill({ outcome, chunk: name, attempt, atMs }: Told) {
  return {
    ConditionExpression: "#state = :was AND chunk = :chunk AND attempt = :attempt AND atMs = :at",
    ExpressionAttributeNames: { "#state": "state" },
    ExpressionAttributeValues: {
      ":was": outcome.state,
      ":chunk": name,
      ":attempt": BigInt(attempt),
      ":at": BigInt(atMs),
    },
  };
}

function toldFromItem({ state, reason, chunk: name, atMs, attempt }: Item): Told {
  const outcome = { state, ...(reason !== undefined && { reason }) };
  return {
    outcome: outcome as Outcome,
    chunk: String(name),
    atMs: Number(atMs),
    attempt: Number(attempt),
  };
}

/**
 * `<hash of article>-<hash of reader>`: what an e-mail is tagged with leads to its mark. It travels
 * with the message, so it holds no personal data.
 */
export function mailTagOf({ articleId }: Pick<Telling, "articleId">, readerId: ReaderId): string {
  return `${hashOf(articleId)}-${hashOf(readerId)}`;
}

export function dynamoDbMailReports(
  client: DynamoDBDocumentClient,
  followersTable: string,
): MailReports {
  return {
    async find(tags) {
      const keys = [...new Set(tags)].flatMap((tag) => keyOfTag(tag) ?? []);
      const items = await getItems(client, followersTable, keys);
      return new Map(items.map((item) => [tagOfItem(item), mailFromItem(item)]));
    },
    async sent(tag) {
      const command = new UpdateCommand({
        TableName: followersTable,
        Key: keyOfTag(tag),
        UpdateExpression: "SET #state = :sent REMOVE reason",
        ConditionExpression: "attribute_exists(pk)",
        ExpressionAttributeNames: { "#state": "state" },
        ExpressionAttributeValues: { ":sent": "sent" },
      });
      await unlessLost(client.send(command));
    },
  };
}

function keyOfTag(tag: string) {
  const [, article, reader] = /^([0-9a-f]{32})-([0-9a-f]{32})$/.exec(tag) ?? [];
  return article && reader
    ? { pk: partitionOf(article, reader), sk: `${reader}#email` }
    : undefined;
}

function tagOfItem({ pk, sk }: Item): string {
  return `${String(pk).split("#")[1]}-${String(sk).split("#")[0]}`;
}

function mailFromItem({ creatorId, readerId, atMs, state }: Item): TaggedMail {
  return {
    creatorId: String(creatorId) as CreatorId,
    readerId: String(readerId) as ReaderId,
    atMs: Number(atMs),
    isClaimed: state === "claimed",
  };
}

/** @returns false when a condition did not hold any more. */
async function unlessLost(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
