import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../../core/values/time.ts";
import { deliveryIdOf, placeOf, type WebhookDelivery } from "../../core/webhooks/delivery.ts";
import type { DeliveryRange, WebhookDeliveries } from "../../core/webhooks/delivery-store.ts";
import { getItem, type Item } from "./items.ts";
import { type Action, failedConditionsOf } from "./write-transaction.ts";

const partitionOf = (owner: string, endpointId: string) => `deliveries#${owner}#${endpointId}`;

function keyOf(owner: string, deliveryId: string) {
  const place = placeOf(deliveryId);
  if (!place) throw new Error(`${deliveryId} is no delivery's id`);
  return { pk: partitionOf(owner, place.endpointId), sk: place.timedId };
}

const bodyKeyOf = ({ owner, deliveryId }: WebhookDelivery) => ({
  pk: `body#${owner}#${deliveryId}`,
  sk: "body",
});

/** Beside those that wait for each other: the first of them is attempted. */
function lineOf({ owner, endpointId, orderingKey, deliveryId }: WebhookDelivery) {
  const { sk } = keyOf(owner, deliveryId);
  return { pk: `line#${owner}#${endpointId}#${orderingKey}`, sk };
}

const ttlOf = ({ expiresAtMs }: WebhookDelivery) => BigInt(Math.ceil(expiresAtMs / 1_000));

/** Deliveries, an endpoint's under one key, in order of time; what they say is an item of its own. */
export function dynamoDbWebhookDeliveries(
  client: DynamoDBDocumentClient,
  webhooksTable: string,
  clock: Clock,
): WebhookDeliveries {
  const alive = (item: Item | undefined): WebhookDelivery | undefined => {
    const delivery = item && (JSON.parse(String(item.record)) as WebhookDelivery);
    return delivery && delivery.expiresAtMs > clock.nowMs() ? delivery : undefined;
  };
  const write = async (delivery: WebhookDelivery, condition: string, values?: Item) => {
    const put = {
      TableName: webhooksTable,
      Item: itemOf(delivery),
      ConditionExpression: condition,
      ...(values && { ExpressionAttributeValues: values }),
    };
    if (delivery.orderingKey !== undefined) {
      const actions = [{ Put: put }, placeInLine(webhooksTable, delivery)];
      return (await failedConditionsOf(client, actions)) === undefined;
    }
    try {
      await client.send(new PutCommand(put));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  };
  return {
    async add(delivery, body) {
      // First, so that no delivery is ever without it; the same again is the same.
      const item = { ...bodyKeyOf(delivery), body, ttl: ttlOf(delivery) };
      await client.send(new PutCommand({ TableName: webhooksTable, Item: item }));
      return (await write(delivery, "attribute_not_exists(pk)")) ? "added" : "known";
    },
    read: async (owner, deliveryId) =>
      alive(await getItem(client, webhooksTable, keyOf(owner, deliveryId))),
    async bodyOf(delivery) {
      const item = await getItem(client, webhooksTable, bodyKeyOf(delivery));
      return item && String(item.body);
    },
    async replace(delivery) {
      const values = { ":before": BigInt(delivery.version - 1) };
      return (await write(delivery, "version = :before", values)) ? "replaced" : "raced";
    },
    async list(owner, endpointId, range) {
      const items = await query(client, webhooksTable, partitionOf(owner, endpointId), range);
      return items.map(alive).filter((one) => one !== undefined);
    },
    async firstInLine(delivery) {
      const { pk } = lineOf(delivery);
      const [first] = await query(client, webhooksTable, pk, { newestFirst: false, limit: 1 });
      return first && deliveryIdOf(delivery.endpointId, String(first.sk));
    },
  };
}

async function query(
  client: DynamoDBDocumentClient,
  webhooksTable: string,
  pk: string,
  { after = "", before, newestFirst, limit }: DeliveryRange,
): Promise<Item[]> {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: webhooksTable,
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
      ExpressionAttributeValues: {
        ":pk": pk,
        // Right after it: places are of one length. The other end is left out below.
        ":from": `${after}!`,
        ":to": before ?? "~",
      },
      ConsistentRead: true,
      ScanIndexForward: !newestFirst,
      Limit: before === undefined ? limit : limit + 1,
    }),
  );
  return Items.filter(({ sk }) => sk !== before).slice(0, limit);
}

/** Pending ones stand in line; who is done leaves it, in the same write. */
function placeInLine(TableName: string, delivery: WebhookDelivery): Action {
  const key = lineOf(delivery);
  return delivery.state === "pending"
    ? { Put: { TableName, Item: { ...key, ttl: ttlOf(delivery) } } }
    : { Delete: { TableName, Key: key } };
}

function itemOf(delivery: WebhookDelivery): Item {
  return {
    ...keyOf(delivery.owner, delivery.deliveryId),
    version: BigInt(delivery.version),
    ttl: ttlOf(delivery),
    record: JSON.stringify(delivery),
  };
}
