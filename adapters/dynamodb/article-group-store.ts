import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { ArticleGroupId } from "../../core/contracts/ids.ts";
import type {
  ArticleGroup,
  ArticleGroupStore,
  GroupVersion,
} from "../../core/registry/article-group.ts";
import { type Item, queryItems } from "./items.ts";
import { putRevision } from "./put-revision.ts";
import { cancellationOf, putNew } from "./write-transaction.ts";

const partition = "article-groups";
const numbersPartition = "article-group-numbers";

/** Article groups in the registry table, one item each, all under one key. */
export function dynamoDbArticleGroups(
  client: DynamoDBDocumentClient,
  registryTable: string,
): ArticleGroupStore {
  return {
    async list() {
      const groups: ArticleGroup[] = [];
      const items = queryItems(client, {
        TableName: registryTable,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": partition },
        ConsistentRead: true,
      });
      for await (const item of items) groups.push(groupFromItem(item));
      return groups;
    },
    put: (group) =>
      group.revision === 1
        ? putFirst(client, registryTable, group)
        : putRevision(client, registryTable, groupItem(group), group.revision),
  };
}

/** A group and its number are taken at once: two new groups cannot get the same one. */
async function putFirst(
  client: DynamoDBDocumentClient,
  registryTable: string,
  group: ArticleGroup,
): Promise<"put" | "raced"> {
  const number = {
    pk: numbersPartition,
    sk: String(group.number).padStart(8, "0"),
    groupId: group.groupId,
  };
  const codes = await cancellationOf(client, [
    putNew(registryTable, { ...groupItem(group), revision: 1n }),
    putNew(registryTable, number),
  ]);
  return codes === undefined ? "put" : "raced";
}

function groupItem({ groupId, number, versions }: ArticleGroup): Item {
  return {
    pk: partition,
    sk: groupId,
    number: BigInt(number),
    versions: versions.map(({ version, effectiveFromMs, ...terms }) => ({
      ...terms,
      version: BigInt(version),
      effectiveFromMs: BigInt(effectiveFromMs),
    })),
  };
}

function groupFromItem(item: Item): ArticleGroup {
  return {
    groupId: String(item.sk) as ArticleGroupId,
    number: Number(item.number),
    versions: (item.versions as (Item & GroupVersion)[]).map((version) => ({
      ...version,
      version: Number(version.version),
      effectiveFromMs: Number(version.effectiveFromMs),
    })),
    revision: Number(item.revision),
  };
}
