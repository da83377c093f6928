import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { CreatorId, ReaderId } from "../../core/contracts/ids.ts";
import type { Creator, CreatorStore, ListedCreator, Payee } from "../../core/registry/creator.ts";
import { getItems, type Item } from "./items.ts";
import { putRevision } from "./put-revision.ts";
import { rateCardAttributes, rateCardFromAttributes } from "./rate-card-items.ts";

const creatorKey = (creatorId: CreatorId) => ({ pk: `creator#${creatorId}`, sk: "current" });

/** Creators in the registry table, one item each, with their own rate cards. */
export function dynamoDbCreators(
  client: DynamoDBDocumentClient,
  registryTable: string,
): CreatorStore {
  return {
    put: (creator) => putRevision(client, registryTable, creatorItem(creator), creator.revision),
    async getMany(creatorIds) {
      const items = await getItems(client, registryTable, creatorIds.map(creatorKey));
      return new Map(items.map(creatorFromItem).map((creator) => [creator.creatorId, creator]));
    },
  };
}

function creatorItem({ rateCards, updatedAtMs, ...creator }: Creator): Item {
  return {
    ...creatorKey(creator.creatorId),
    ...creator,
    rateCards: rateCards.map(rateCardAttributes),
    updatedAtMs: BigInt(updatedAtMs),
  };
}

function creatorFromItem(item: Item): Creator {
  return {
    ...listedCreatorFromItem(item),
    rateCards: (item.rateCards as Item[]).map(rateCardFromAttributes),
    revision: Number(item.revision),
  };
}

export function listedCreatorFromItem({ name, payee, ...item }: Item): ListedCreator {
  return {
    creatorId: String(item.creatorId) as CreatorId,
    ...(name === undefined ? {} : { name: String(name) }),
    readerIds: item.readerIds as ReaderId[],
    ...(payee === undefined ? {} : { payee: payee as Payee }),
    updatedAtMs: Number(item.updatedAtMs),
  };
}
