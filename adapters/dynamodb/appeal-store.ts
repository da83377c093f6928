import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { CreatorId } from "../../core/contracts/ids.ts";
import type { Appeal, AppealAnswer, AppealStore } from "../../core/reviews/appeal.ts";
import { getItem, type Item } from "./items.ts";
import { type Action, failedConditionsOf, putNew } from "./write-transaction.ts";

/** Sorts after every appeal's id, which starts with a year. */
const requestPrefix = "request#";

const partitionOf = (creatorId: CreatorId) => `appeals#${creatorId}`;

/** Appeals in the registry table, a creator's under one key. */
export function dynamoDbAppeals(
  client: DynamoDBDocumentClient,
  registryTable: string,
): AppealStore {
  const get = (creatorId: CreatorId, sk: string) =>
    getItem(client, registryTable, { pk: partitionOf(creatorId), sk });
  return {
    async put(appeal) {
      const pk = partitionOf(appeal.creatorId);
      const { appealId, requestId } = appeal;
      const failed = await failedConditionsOf(client, [
        putNew(registryTable, { pk, sk: `${requestPrefix}${requestId}`, appealId }),
        putNew(registryTable, appealItem(appeal)),
      ]);
      return failed === undefined ? "put" : "known";
    },
    async ofRequest(creatorId, requestId) {
      const request = await get(creatorId, `${requestPrefix}${requestId}`);
      const item = request && (await get(creatorId, String(request.appealId)));
      return item && appealFromItem(creatorId, item);
    },
    async list(creatorId, limit, before) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: registryTable,
          KeyConditionExpression: "pk = :pk AND sk < :below",
          ExpressionAttributeValues: {
            ":pk": partitionOf(creatorId),
            ":below": before ?? requestPrefix,
          },
          ConsistentRead: true,
          ScanIndexForward: false,
          Limit: limit,
        }),
      );
      return Items.map((item) => appealFromItem(creatorId, item));
    },
  };
}

/** The part of a transaction that adds an answer; it fails when there is no such appeal. */
export function answerAppeal(
  registryTable: string,
  { creatorId, appealId }: { readonly creatorId: CreatorId; readonly appealId: string },
  { reviewId, decision, answeredAtMs }: AppealAnswer,
): Action {
  const answer = { reviewId, decision, answeredAtMs: BigInt(answeredAtMs) };
  return {
    Update: {
      TableName: registryTable,
      Key: { pk: partitionOf(creatorId), sk: appealId },
      UpdateExpression: "SET #answers = list_append(#answers, :answer)",
      // Remembered requests lie beside appeals, and have no answers.
      ConditionExpression: "attribute_exists(#answers)",
      ExpressionAttributeNames: { "#answers": "answers" },
      ExpressionAttributeValues: { ":answer": [answer] },
    },
  };
}

function appealItem({ creatorId, appealId, postedAtMs, answers, ...rest }: Appeal): Item {
  return {
    pk: partitionOf(creatorId),
    sk: appealId,
    ...rest,
    postedAtMs: BigInt(postedAtMs),
    answers: answers.map((answer) => ({ ...answer, answeredAtMs: BigInt(answer.answeredAtMs) })),
  };
}

function appealFromItem(creatorId: CreatorId, item: Item): Appeal {
  const { pk: _, sk, postedAtMs, answers, ...rest } = item;
  return {
    creatorId,
    appealId: String(sk),
    ...(rest as Pick<Appeal, "note" | "articleId" | "entryId" | "postedBy" | "requestId">),
    postedAtMs: Number(postedAtMs),
    answers: (answers as (Item & AppealAnswer)[]).map((answer) => ({
      ...answer,
      answeredAtMs: Number(answer.answeredAtMs),
    })),
  };
}
