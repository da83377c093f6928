import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { lettersPrefix, tables } from "../../core/contracts/storage.ts";
import type { Letter, StoredBody } from "../../core/dead-letters/letter.ts";
import {
  type LetterLine,
  type LetterStore,
  listedAt,
} from "../../core/dead-letters/letter-store.ts";
import type { Clock } from "../../core/values/time.ts";
import { getItem, getItems, type Item, queryItems } from "./items.ts";

const { name: indexName, partitionKey, sortKey } = tables.deadLetters.stateIndex;
const sk = "letter";
const partitionOf = (letterId: string) => `${lettersPrefix}${letterId}`;
const partKeys = (letterId: string, edition: number, { parts, writer }: StoredBody) =>
  Array.from({ length: parts }, (_, part) => ({
    pk: partitionOf(letterId),
    sk: `body#${edition}#${writer === undefined ? "" : `${writer}#`}${part}`,
  }));
/** A character takes three bytes at most: a part stays below an item's 400 KB. */
const charactersPerPart = 120_000;

/** Dead letters in a table of their own, each body in as many items as it takes. */
export function dynamoDbLetters(
  client: DynamoDBDocumentClient,
  TableName: string,
  clock: Clock,
): LetterStore {
  const alive = (item: Item | undefined): Letter | undefined => {
    const letter = item && (JSON.parse(String(item.record)) as Letter);
    const { expiresAtMs = Number.POSITIVE_INFINITY } = letter ?? {};
    return expiresAtMs > clock.nowMs() ? letter : undefined;
  };
  const put = async (letter: Letter, condition: string, values?: Item): Promise<boolean> => {
    try {
      await client.send(
        new PutCommand({
          ...{ TableName, Item: itemOf(letter), ConditionExpression: condition },
          ...(values && { ExpressionAttributeValues: values }),
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  };
  const putBody: LetterStore["putBody"] = async (letterId, edition, body, writer) => {
    const texts = partsOf(body);
    const stored: StoredBody = {
      ...{ parts: texts.length, bytes: Buffer.byteLength(body) },
      ...(writer !== undefined && { writer }),
    };
    await Promise.all(
      partKeys(letterId, edition, stored).map((key, part) => {
        const Item = { ...key, text: texts[part] };
        return client.send(new PutCommand({ TableName, Item }));
      }),
    );
    return stored;
  };
  const expireBody = async (
    letterId: string,
    edition: number,
    stored: StoredBody,
    expiresAtMs: number,
  ) => {
    await Promise.all(
      partKeys(letterId, edition, stored).map((Key) =>
        client.send(
          new UpdateCommand({
            ...{ TableName, Key, UpdateExpression: "SET #ttl = :ttl" },
            ExpressionAttributeNames: { "#ttl": tables.deadLetters.ttl },
            ExpressionAttributeValues: { ":ttl": secondsOf(expiresAtMs) },
          }),
        ),
      ),
    );
  };
  /** The bodies go when their letter does. */
  const expire = async ({ letterId, bodies, expiresAtMs }: Letter) => {
    if (expiresAtMs === undefined) return;
    await Promise.all(
      bodies.map((stored, edition) => expireBody(letterId, edition, stored, expiresAtMs)),
    );
  };
  return {
    putBody,
    dropBody: (letterId, edition, stored) => expireBody(letterId, edition, stored, clock.nowMs()),
    read: async (letterId) =>
      alive(await getItem(client, TableName, { pk: partitionOf(letterId), sk })),
    async readAll(letterIds) {
      const keys = letterIds.map((letterId) => ({ pk: partitionOf(letterId), sk }));
      return (await getItems(client, TableName, keys))
        .map(alive)
        .filter((letter) => letter !== undefined);
    },
    async add(letter, body) {
      if (await getItem(client, TableName, { pk: partitionOf(letter.letterId), sk })) {
        return "known";
      }
      const stored = await putBody(letter.letterId, 0, body);
      const written = await put({ ...letter, bodies: [stored] }, "attribute_not_exists(pk)");
      return written ? "added" : "known";
    },
    async replace(letter) {
      const before = { ":before": BigInt(letter.version - 1) };
      if (!(await put(letter, "version = :before", before))) return "raced";
      await expire(letter);
      return "replaced";
    },
    async readBody({ letterId, bodies }, edition) {
      const stored = bodies[edition];
      const keys = stored ? partKeys(letterId, edition, stored) : [];
      const items = await getItems(client, TableName, keys);
      const texts = new Map(items.map((item) => [item.sk, String(item.text)]));
      return keys.map((key) => texts.get(key.sk) ?? "").join("");
    },
    async *lines(state, { queue, causeId } = {}, after) {
      const filters = [
        ...(queue === undefined ? [] : ["queue = :queue"]),
        ...(causeId === undefined ? [] : ["causeId = :causeId"]),
      ];
      const items = queryItems(client, {
        ...{ TableName, IndexName: indexName, ScanIndexForward: false },
        KeyConditionExpression: `#box = :box${after === undefined ? "" : " AND #listed < :after"}`,
        ...(filters.length > 0 && { FilterExpression: filters.join(" AND ") }),
        ExpressionAttributeNames: {
          "#box": partitionKey,
          ...(after !== undefined && { "#listed": sortKey }),
        },
        ExpressionAttributeValues: {
          ":box": state,
          ...(after !== undefined && { ":after": after }),
          ...(queue !== undefined && { ":queue": queue }),
          ...(causeId !== undefined && { ":causeId": causeId }),
        },
      });
      for await (const item of items) yield lineOf(item);
    },
  };
}

/** The record as JSON, so that numbers come back as they were. */
function itemOf(letter: Letter): Item {
  const { letterId, version, state, queue, cause, expiresAtMs } = letter;
  return {
    ...{ pk: partitionOf(letterId), sk, version: BigInt(version) },
    ...{ [partitionKey]: state, [sortKey]: listedAt(letter) },
    ...{ queue, causeId: cause.causeId, errorClass: cause.errorClass, message: cause.message },
    ...(expiresAtMs !== undefined && { [tables.deadLetters.ttl]: secondsOf(expiresAtMs) }),
    record: JSON.stringify(letter),
  };
}

function lineOf(item: Item): LetterLine {
  const { queue, causeId, errorClass, message } = item;
  const listed = String(item[sortKey]);
  return {
    letterId: String(item.pk).slice(lettersPrefix.length),
    ...{ queue: String(queue), causeId: String(causeId) },
    ...{ errorClass: String(errorClass), message: String(message) },
    archivedAtMs: Date.parse(listed.slice(0, listed.indexOf("#"))),
  };
}

const secondsOf = (epochMs: number) => BigInt(Math.ceil(epochMs / 1_000));

/** No part may end within a surrogate pair. */
function partsOf(body: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at < body.length || parts.length === 0; ) {
    let end = Math.min(body.length, at + charactersPerPart);
    const last = body.charCodeAt(end - 1);
    if (end < body.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    parts.push(body.slice(at, end));
    at = end;
  }
  return parts;
}
