import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactGetCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { limits } from "../../core/contracts/limits.ts";
import { type Bindings, holds, type Item, updated } from "./expressions.ts";
import type { Faults } from "./faults.ts";
import type { Invocation } from "./invocation.ts";
import type { Prng } from "./prng.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** A conditional write of one item, as DynamoDB is asked for it. */
interface Write {
  readonly table: string;
  readonly key: string;
  readonly condition: string | undefined;
  readonly bindings: Bindings;
  readonly apply: (before: Item | undefined) => Item;
}

export interface Written {
  readonly table: string;
  readonly before: Item | undefined;
  readonly after: Item;
  readonly by: Invocation;
}

interface Deps {
  readonly clock: VirtualClock;
  readonly prng: Prng;
  readonly faults: Faults;
  readonly onWrite: (written: Written) => void;
  /** A transaction holds these items, and will soon change them. */
  readonly onHeld: (keys: readonly string[]) => void;
}

type Failure = "None" | "ConditionalCheckFailed" | "TransactionConflict" | "ThrottlingError";
type Json = Record<string, unknown>;

const maxTtlLagMs = 48 * 3_600_000;
/** Pages end where DynamoDB likes: callers must go on, whatever they got. */
const pageSizes = [2, 5, 25];

/**
 * Tables as DynamoDB keeps them, for the real adapters: conditional writes, transactions that take
 * time, hold their items meanwhile and cancel each other, a `due` index that lags, TTL that deletes
 * late. What DynamoDB does not promise is not kept: a read of several items is no snapshot.
 */
export class SimulatedTables {
  readonly #deps: Deps;
  readonly #tables = new Map<string, Map<string, Item>>();
  readonly #held = new Map<string, number>();
  readonly #expiresAtMs = new Map<string, number>();
  readonly #index = new Map<string, Item>();
  readonly #indexedUntilMs = new Map<string, number>();
  readonly #pageItems: number;
  #transactions = 0;
  #tornNow = 0;
  #lastTornMs = -1;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#pageItems = deps.prng.pick(pageSizes);
  }

  /** The client that an invocation sees. @param rewrite for mutants: what is really asked. */
  client(by: Invocation, rewrite = (command: unknown) => command): DynamoDBDocumentClient {
    const client = Object.create(DynamoDBDocumentClient.prototype) as DynamoDBDocumentClient;
    const send = (command: { constructor: { name: string }; input: Json }) =>
      by.io(
        () => described(command),
        () => this.#answer(rewrite(command), by),
      );
    return Object.assign(client, { send });
  }

  /** Whether some transaction showed only in part at a moment from `sinceMs` on. */
  tornSince(sinceMs: number): boolean {
    return this.#tornNow > 0 || this.#lastTornMs >= sinceMs;
  }

  /** What is there, to the oracle's eye. */
  all(table: string): Item[] {
    return [...this.#table(table).keys()]
      .map((key) => this.#read(table, key))
      .filter((item) => item !== undefined);
  }

  /** Puts an item there before the story begins. */
  seed(table: string, item: Json): void {
    const stored = asStored(item) as Item;
    this.#store(table, keyOf(stored), stored);
  }

  async #answer(command: unknown, by: Invocation): Promise<unknown> {
    if (command instanceof TransactWriteCommand) {
      return await this.#transact((command.input.TransactItems ?? []).map(writeOfAction), by);
    }
    if (command instanceof PutCommand) return this.#single(writeOfPut(command.input as Json), by);
    if (command instanceof UpdateCommand) {
      return this.#single(writeOfUpdate(command.input as Json), by);
    }
    if (command instanceof GetCommand) {
      const { TableName, Key } = command.input;
      return { Item: this.#read(String(TableName), keyOf(Key as Item)) };
    }
    if (command instanceof TransactGetCommand) return this.#transactGet(command);
    if (command instanceof BatchGetCommand) return await this.#batchGet(command);
    if (command instanceof QueryCommand || command instanceof ScanCommand) {
      return this.#page(command.input as Json);
    }
    throw new Error("the simulated table does not know this command");
  }

  #table(name: string): Map<string, Item> {
    let table = this.#tables.get(name);
    if (!table) {
      table = new Map();
      this.#tables.set(name, table);
    }
    return table;
  }

  #read(table: string, key: string): Item | undefined {
    const expiresAtMs = this.#expiresAtMs.get(`${table}/${key}`);
    if (expiresAtMs !== undefined && expiresAtMs <= this.#deps.clock.nowMs()) {
      this.#deps.faults.met("expiredItemGone");
      this.#expiresAtMs.delete(`${table}/${key}`);
      this.#table(table).delete(key);
    }
    return this.#table(table).get(key);
  }

  #store(table: string, key: string, item: Item): void {
    this.#table(table).set(key, item);
    const { prng } = this.#deps;
    if (typeof item.ttl === "bigint") {
      const lateMs = prng.chance(0.5) ? 0 : prng.int(0, maxTtlLagMs);
      this.#expiresAtMs.set(`${table}/${key}`, Number(item.ttl) * 1_000 + lateMs);
    }
    if (item.due !== undefined || this.#indexedUntilMs.has(key)) this.#indexLater(key, item);
  }

  /** The index follows each item's writes in their order, at its own pace. */
  #indexLater(key: string, { pk, sk, due }: Item): void {
    const { clock, faults, prng } = this.#deps;
    const follow = () => {
      if (due === undefined) this.#index.delete(key);
      else this.#index.set(key, { pk, sk, due });
    };
    const nowMs = clock.nowMs();
    const lagMs = faults.happens("staleIndex") ? prng.pick([5, 50, 500, 30_000]) : 0;
    const untilMs = this.#indexedUntilMs.get(key) ?? 0;
    const atMs = Math.max(nowMs + lagMs, untilMs);
    this.#indexedUntilMs.set(key, atMs);
    if (atMs === nowMs && untilMs < nowMs) follow();
    else clock.at(atMs, follow);
  }

  #failure(write: Write): Failure {
    const { clock, faults } = this.#deps;
    if (this.#held.has(`${write.table}/${write.key}`)) {
      faults.met("transactionConflict");
      return "TransactionConflict";
    }
    const item = this.#read(write.table, write.key);
    const expired = item && typeof item.ttl === "bigint";
    if (expired && Number(item.ttl) * 1_000 < clock.nowMs()) {
      faults.met("expiredItemStillThere");
    }
    const held = holds(write.condition, item ?? {}, write.bindings);
    return held ? "None" : "ConditionalCheckFailed";
  }

  #single(write: Write, by: Invocation): object {
    const failure = this.#failure(write);
    const about = { message: failure, $metadata: {} };
    if (failure === "TransactionConflict") throw new TransactionConflictException(about);
    if (failure === "ConditionalCheckFailed") throw new ConditionalCheckFailedException(about);
    this.#apply(write, by);
    return {};
  }

  #apply({ table, key, apply }: Write, by: Invocation): void {
    const before = this.#read(table, key);
    const after = asStored(apply(before)) as Item;
    this.#store(table, key, after);
    this.#deps.onWrite({ table, before, after, by });
  }

  async #transact(writes: readonly Write[], by: Invocation): Promise<object> {
    const { clock, faults, prng } = this.#deps;
    const places = writes.map(({ table, key }) => `${table}/${key}`);
    if (writes.length > limits.maxTransactionActions || new Set(places).size < places.length) {
      throw cancelledBecause(writes.map(() => "ValidationError"));
    }
    const codes: Failure[] = writes.map((write) => this.#failure(write));
    if (!codes.some((code) => code !== "None") && faults.happens("cancelledForCapacity")) {
      codes[prng.int(0, codes.length - 1)] = prng.pick([
        "ThrottlingError",
        "TransactionConflict",
      ] as const);
    }
    if (codes.some((code) => code !== "None")) {
      const distinct = new Set(codes);
      if (distinct.has("ConditionalCheckFailed") && distinct.has("TransactionConflict")) {
        faults.met("duplicateBesideConflict");
      }
      throw cancelledBecause(codes);
    }
    this.#transactions += 1;
    for (const place of places) this.#held.set(place, this.#transactions);
    this.#deps.onHeld(writes.map(({ key }) => key));
    await clock.sleep(faults.happens("slowTransaction") ? prng.int(20, 800) : prng.int(1, 5));
    const torn = writes.length > 1 && faults.happens("tornTransaction");
    if (torn) {
      this.#tornNow += 1;
      this.#lastTornMs = clock.nowMs();
    }
    for (const write of torn ? prng.shuffled(writes) : writes) {
      if (torn && prng.chance(0.3)) await clock.sleep(prng.pick([1, 5, 20]));
      this.#apply(write, by);
      this.#held.delete(`${write.table}/${write.key}`);
    }
    if (torn) this.#tornNow -= 1;
    return {};
  }

  /** All at one moment, or nothing while a transaction holds one of them. */
  #transactGet({ input }: TransactGetCommand): object {
    const gets = (input.TransactItems ?? []).map(({ Get }) => ({
      table: String(Get?.TableName),
      key: keyOf(Get?.Key as Item),
    }));
    const codes = gets.map(({ table, key }) =>
      this.#held.has(`${table}/${key}`) ? "TransactionConflict" : "None",
    );
    if (codes.includes("TransactionConflict")) {
      this.#deps.faults.met("readConflict");
      throw cancelledBecause(codes);
    }
    return { Responses: gets.map(({ table, key }) => ({ Item: this.#read(table, key) })) };
  }

  /** Strongly consistent, item by item: others may write between two of them. */
  async #batchGet({ input }: BatchGetCommand): Promise<object> {
    const { clock, prng } = this.#deps;
    const Responses: Record<string, Item[]> = {};
    for (const [table, { Keys = [] }] of Object.entries(input.RequestItems ?? {})) {
      const items: Item[] = [];
      const pauseAt = prng.int(0, 2 * Keys.length);
      for (const [index, key] of Keys.entries()) {
        if (index === pauseAt) await clock.sleep(prng.int(0, 4));
        const item = this.#read(table, keyOf(key as Item));
        if (item) items.push(item);
      }
      Responses[table] = prng.shuffled(items);
    }
    return { Responses };
  }

  #page(input: Json): object {
    const table = String(input.TableName);
    const bindings = bindingsOf(input);
    const forward = input.ScanIndexForward !== false;
    const after = input.ExclusiveStartKey as Item | undefined;
    const limit = Math.min(Number(input.Limit ?? this.#pageItems), this.#pageItems);
    const source = input.IndexName === undefined ? this.#table(table) : this.#index;
    const keys = [...source.keys()].sort();
    if (!forward) keys.reverse();
    const from = after && keyOf(after);
    const Items: Item[] = [];
    let read = 0;
    for (const key of keys) {
      if (from !== undefined && (forward ? key <= from : key >= from)) continue;
      const item = source === this.#index ? source.get(key) : this.#read(table, key);
      if (!item) continue;
      if (!holds(input.KeyConditionExpression as string | undefined, item, bindings)) continue;
      read += 1;
      if (holds(input.FilterExpression as string | undefined, item, bindings)) Items.push(item);
      if (read === limit) return { Items, LastEvaluatedKey: { pk: item.pk, sk: item.sk } };
    }
    return { Items };
  }
}

function cancelledBecause(codes: readonly string[]): TransactionCanceledException {
  return new TransactionCanceledException({
    message: `Transaction cancelled [${codes.join(", ")}]`,
    $metadata: {},
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
}

function writeOfAction({ Put, Update }: { Put?: unknown; Update?: unknown }): Write {
  if (Put) return writeOfPut(Put as Json);
  if (Update) return writeOfUpdate(Update as Json);
  throw new Error("the simulated table does not know this action");
}

function writeOfPut(input: Json): Write {
  const item = input.Item as Item;
  return { ...writeOf(input, item), apply: () => item };
}

function writeOfUpdate(input: Json): Write {
  const key = input.Key as Item;
  const write = writeOf(input, key);
  const expression = String(input.UpdateExpression);
  return { ...write, apply: (before) => updated(expression, before ?? key, write.bindings) };
}

function writeOf(input: Json, key: Item): Omit<Write, "apply"> {
  return {
    table: String(input.TableName),
    key: keyOf(key),
    condition: input.ConditionExpression as string | undefined,
    bindings: bindingsOf(input),
  };
}

function bindingsOf(input: Json): Bindings {
  return {
    names: (input.ExpressionAttributeNames ?? {}) as Bindings["names"],
    values: asStored(input.ExpressionAttributeValues ?? {}) as Bindings["values"],
  };
}

function keyOf({ pk, sk = "" }: Item): string {
  return `${pk}\u0000${sk}`;
}

/** As it comes back from the document client: numbers as `bigint`, no `undefined`. */
function asStored(value: unknown): unknown {
  if (typeof value === "number") return BigInt(value);
  if (Array.isArray(value)) return value.map(asStored);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) =>
      part === undefined ? [] : [[name, asStored(part)]],
    ),
  );
}

function described(command: { constructor: { name: string }; input: Json }): string {
  const text = JSON.stringify(command.input, (_, value) =>
    typeof value === "bigint" ? `${value}` : value,
  );
  return `${command.constructor.name.replace("Command", "")} ${text.slice(0, 600)}`;
}
