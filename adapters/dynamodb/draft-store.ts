import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import type { DraftId, TextId } from "../../core/contracts/job-types.ts";
import type {
  DraftHead,
  DraftName,
  DraftStore,
  Revision,
  SavedText,
} from "../../core/drafts/draft.ts";
import { getItem, type Item } from "./items.ts";
import { failedConditionsOf, putNew } from "./write-transaction.ts";

const headsOf = (creatorId: CreatorId) => `drafts#${creatorId}`;
// A draft's id holds no `#`, so the last one ends the creator's id.
const partitionOf = ({ creatorId, draftId }: DraftName) => `draft#${creatorId}#${draftId}`;
const revisionPrefix = "revision#";
const revisionKey = (revision: number) => `${revisionPrefix}${String(revision).padStart(10, "0")}`;
const conflictPrefix = "conflict#";
const conflictKey = (textId: string) => `${conflictPrefix}${textId}`;

/** Drafts in a table of their own; their texts are files. */
export function dynamoDbDrafts(client: DynamoDBDocumentClient, draftsTable: string): DraftStore {
  const get = (pk: string, sk: string) => getItem(client, draftsTable, { pk, sk });
  const query = async (range: string, values: Item, limit: number, forward: boolean) => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: draftsTable,
        KeyConditionExpression: `pk = :pk AND sk ${range}`,
        ExpressionAttributeValues: values,
        ConsistentRead: true,
        ScanIndexForward: forward,
        Limit: limit,
      }),
    );
    return Items;
  };
  return {
    async head(draft) {
      const item = await get(headsOf(draft.creatorId), draft.draftId);
      return item && headFromItem(item);
    },
    async revision(draft, revision) {
      const item = await get(partitionOf(draft), revisionKey(revision));
      return item && revisionFromItem(item);
    },
    async conflict(draft, textId) {
      const item = await get(partitionOf(draft), conflictKey(textId));
      return item && textFromItem(item);
    },
    async save(draft, revision) {
      const item = revisionItem(revision);
      const head = { pk: headsOf(draft.creatorId), sk: draft.draftId, ...item };
      const { baseRevision } = revision;
      const failed = await failedConditionsOf(client, [
        baseRevision === 0
          ? putNew(draftsTable, head)
          : {
              Put: {
                TableName: draftsTable,
                Item: head,
                ConditionExpression: "revision = :base",
                ExpressionAttributeValues: { ":base": BigInt(baseRevision) },
              },
            },
        putNew(draftsTable, {
          pk: partitionOf(draft),
          sk: revisionKey(revision.revision),
          ...item,
        }),
      ]);
      return failed === undefined ? "saved" : "stale";
    },
    async keepConflict(draft, text) {
      const key = { pk: partitionOf(draft), sk: conflictKey(text.textId) };
      await failedConditionsOf(client, [putNew(draftsTable, { ...key, ...textItem(text) })]);
    },
    async conflicts(draft, limit, after) {
      const from = after === undefined ? conflictPrefix : `${conflictKey(after)}!`;
      const values = { ":pk": partitionOf(draft), ":first": from, ":last": `${conflictPrefix}~` };
      return (await query("BETWEEN :first AND :last", values, limit, true)).map(textFromItem);
    },
    async heads(creatorId, limit, after) {
      // Sorts before every draft's id.
      const values = { ":pk": headsOf(creatorId), ":after": after ?? "-" };
      const items = await query("> :after", values, limit, true);
      return items.map(headFromItem);
    },
    async revisions(draft, limit, before) {
      const last = before === undefined ? `${revisionPrefix}~` : revisionKey(before - 1);
      const values = { ":pk": partitionOf(draft), ":first": revisionPrefix, ":last": last };
      const items = await query("BETWEEN :first AND :last", values, limit, false);
      return items.map(revisionFromItem);
    },
  };
}

function textItem({ bytes, words, baseRevision, savedAtMs, ...text }: SavedText): Item {
  return {
    ...text,
    bytes: BigInt(bytes),
    words: BigInt(words),
    baseRevision: BigInt(baseRevision),
    savedAtMs: BigInt(savedAtMs),
  };
}

function revisionItem({ revision, ...text }: Revision): Item {
  return { ...textItem(text), revision: BigInt(revision) };
}

function textFromItem(item: Item): SavedText {
  return {
    textId: String(item.textId) as TextId,
    jobId: String(item.jobId),
    baseRevision: Number(item.baseRevision),
    ...(item.title === undefined ? {} : { title: String(item.title) }),
    textKey: String(item.textKey),
    bytes: Number(item.bytes),
    words: Number(item.words),
    savedAtMs: Number(item.savedAtMs),
  };
}

function revisionFromItem(item: Item): Revision {
  return { ...textFromItem(item), revision: Number(item.revision) };
}

function headFromItem(item: Item): DraftHead {
  return { ...revisionFromItem(item), draftId: String(item.sk) as DraftId };
}
