import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  DeleteCommand,
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
import { type Bindings, checkBound, holds, type Item, updated } from "./expressions.ts";
import type { Faults } from "./faults.ts";
import { AnswerLost, type Invocation, Throttled } from "./invocation.ts";
import type { Prng } from "./prng.ts";
import { keyOf, TableStore } from "./table-store.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** A conditional write of one item, as DynamoDB is asked for it. */
interface Write {
  readonly table: string;
  readonly key: string;
  readonly condition: string | undefined;
  readonly bindings: Bindings;
  /** Undefined: nothing is written, and the item only must be as the condition says. */
  readonly apply?: (before: Item | undefined) => Item | undefined;
}

export interface Written {
  readonly table: string;
  readonly before: Item | undefined;
  /** Undefined when it was deleted. */
  readonly after: Item | undefined;
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

const maxAttempts = 3;
/** Pages end where DynamoDB likes: callers must go on, whatever they got. */
const pageSizes = [2, 5, 25];

/**
 * Tables as DynamoDB keeps them, for the real adapters: conditional writes, transactions that take
 * time, hold their items meanwhile and cancel each other, a `due` index that lags, TTL that deletes
 * late. What DynamoDB does not promise is not kept: a read of several items is no snapshot.
 */
export class SimulatedTables {
  readonly #deps: Deps;
  readonly #store: TableStore;
  readonly #held = new Map<string, number>();
  readonly #pageItems: number;
  #transactions = 0;
  #tornNow = 0;
  #lastTornMs = -1;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#store = new TableStore(deps);
    this.#pageItems = deps.prng.pick(pageSizes);
  }

  /** The client that an invocation sees. @param rewrite for mutants: what is really asked. */
  client(by: Invocation, rewrite = (command: unknown) => command): DynamoDBDocumentClient {
    const client = Object.create(DynamoDBDocumentClient.prototype) as DynamoDBDocumentClient;
    const once = (command: { constructor: { name: string }; input: Json }) =>
      by.io(
        () => described(command),
        () => this.#answer(rewrite(command), by),
      );
    // As the SDK does before it gives up.
    const send = async (command: Parameters<typeof once>[0]) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await once(command);
        } catch (error) {
          const again =
            error instanceof Throttled || (error instanceof AnswerLost && reads(command));
          if (!again || attempt === maxAttempts) throw error;
          await by.pacing.sleep(this.#deps.prng.int(0, 100 * attempt));
        }
      }
    };
    return Object.assign(client, { send });
  }

  /** Whether some transaction showed only in part at a moment from `sinceMs` on. */
  tornSince(sinceMs: number): boolean {
    return this.#tornNow > 0 || this.#lastTornMs >= sinceMs;
  }

  /** What is there, to the oracle's eye. */
  all(table: string): Item[] {
    return this.#store.all(table);
  }

  partition(table: string, pk: string): Item[] {
    return [...this.#store.query(table, undefined, pk, { after: undefined, forward: true })];
  }

  get(table: string, key: Item): Item | undefined {
    return this.#store.read(table, keyOf(key));
  }

  /** Puts an item there before the story begins. */
  seed(table: string, item: Json): void {
    const stored = asStored(item) as Item;
    this.#store.put(table, keyOf(stored), stored);
  }

  async #answer(command: unknown, by: Invocation): Promise<unknown> {
    if (command instanceof TransactWriteCommand) {
      return await this.#transact((command.input.TransactItems ?? []).map(writeOfAction), by);
    }
    if (command instanceof PutCommand) return this.#single(writeOfPut(command.input as Json), by);
    if (command instanceof UpdateCommand) {
      return this.#single(writeOfUpdate(command.input as Json), by);
    }
    if (command instanceof DeleteCommand) {
      return this.#single(writeOfDelete(command.input as Json), by);
    }
    if (command instanceof GetCommand) {
      const { TableName, Key } = command.input;
      const item = this.#store.read(String(TableName), keyOf(Key as Item));
      return { Item: item && projected(command.input as Json, item) };
    }
    if (command instanceof TransactGetCommand) return this.#transactGet(command);
    if (command instanceof BatchGetCommand) return await this.#batchGet(command);
    if (command instanceof QueryCommand || command instanceof ScanCommand) {
      return this.#page(command.input as Json);
    }
    throw new Error("the simulated table does not know this command");
  }

  #failure(write: Write): Failure {
    const { clock, faults } = this.#deps;
    if (this.#held.has(`${write.table}/${write.key}`)) {
      faults.met("transactionConflict");
      return "TransactionConflict";
    }
    const item = this.#store.read(write.table, write.key);
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
    if (!apply) return;
    const before = this.#store.read(table, key);
    const after = asStored(apply(before)) as Item | undefined;
    if (after) this.#store.put(table, key, after);
    else this.#store.delete(table, key);
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
    return { Responses: gets.map(({ table, key }) => ({ Item: this.#store.read(table, key) })) };
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
        const item = this.#store.read(table, keyOf(key as Item));
        if (item) items.push(item);
      }
      Responses[table] = prng.shuffled(items);
    }
    return { Responses };
  }

  /**
   * A page ends at the caller's limit; without one, where the table likes. An index has no order
   * within its sort key, and ends its pages early: what it says is a hint anyway.
   */
  #page(input: Json): object {
    const [table, index] = [String(input.TableName), input.IndexName as string | undefined];
    const bindings = bindingsOf(input);
    const asked = Number(input.Limit ?? Number.POSITIVE_INFINITY);
    const early = input.Limit === undefined || index !== undefined;
    const limit = early ? Math.min(asked, this.#pageItems) : asked;
    const after = input.ExclusiveStartKey as Item | undefined;
    const condition = input.KeyConditionExpression as string | undefined;
    const source =
      condition === undefined
        ? this.#store.scan(table, after, segmentOf(input))
        : this.#store.query(table, index, partitionAsked(condition, bindings), {
            after,
            forward: input.ScanIndexForward !== false,
          });
    const Items: Item[] = [];
    let read = 0;
    for (const item of source) {
      if (!holds(condition, item, bindings)) continue;
      read += 1;
      if (holds(input.FilterExpression as string | undefined, item, bindings)) {
        Items.push(projected(input, item));
      }
      if (read === limit) return { Items, LastEvaluatedKey: { pk: item.pk, sk: item.sk } };
    }
    return { Items };
  }
}

const readCommands = [GetCommand, BatchGetCommand, TransactGetCommand, QueryCommand, ScanCommand];

function reads(command: unknown): boolean {
  return readCommands.some((one) => command instanceof one);
}

function segmentOf({ Segment, TotalSegments }: Json) {
  return { segment: Number(Segment ?? 0), segments: Number(TotalSegments ?? 1) };
}

/** Every key condition begins with the partition that is asked for. */
function partitionAsked(condition: string, { values }: Bindings): unknown {
  const [, value = ""] = /^\s*#?\w+\s*=\s*(:\w+)/.exec(condition) ?? [];
  return values[value];
}

/** Of an item's attributes those that were asked for. */
function projected(input: Json, item: Item): Item {
  if (input.ProjectionExpression === undefined) return item;
  const { names } = bindingsOf(input);
  const asked = String(input.ProjectionExpression).split(/\s*,\s*/);
  return Object.fromEntries(
    asked.flatMap((token) => {
      const name = names[token] ?? token;
      return item[name] === undefined ? [] : [[name, item[name]]];
    }),
  );
}

function cancelledBecause(codes: readonly string[]): TransactionCanceledException {
  return new TransactionCanceledException({
    message: `Transaction cancelled [${codes.join(", ")}]`,
    $metadata: {},
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
}

function writeOfAction(action: Readonly<Record<string, unknown>>): Write {
  const { Put, Update, Delete, ConditionCheck } = action;
  if (Put) return writeOfPut(Put as Json);
  if (Update) return writeOfUpdate(Update as Json);
  if (Delete) return writeOfDelete(Delete as Json);
  if (ConditionCheck) return writeOf(ConditionCheck as Json, (ConditionCheck as Json).Key as Item);
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

function writeOfDelete(input: Json): Write {
  return { ...writeOf(input, input.Key as Item), apply: () => undefined };
}

function writeOf(input: Json, key: Item): Omit<Write, "apply"> {
  return {
    table: String(input.TableName),
    key: keyOf(key),
    condition: input.ConditionExpression as string | undefined,
    bindings: bindingsOf(input),
  };
}

const expressionNames = [
  "UpdateExpression",
  "ConditionExpression",
  "KeyConditionExpression",
  "FilterExpression",
  "ProjectionExpression",
] as const;

function bindingsOf(input: Json): Bindings {
  const bindings = {
    names: (input.ExpressionAttributeNames ?? {}) as Bindings["names"],
    values: asStored(input.ExpressionAttributeValues ?? {}) as Bindings["values"],
  };
  checkBound(expressionNames.map((name) => input[name] ?? "").join(" "), bindings);
  return bindings;
}

/** As it comes back from the document client: numbers as `bigint`, no `undefined`. */
function asStored(value: unknown): unknown {
  if (typeof value === "number") return BigInt(value);
  if (Array.isArray(value)) return value.map(asStored);
  if (value === null || typeof value !== "object" || value instanceof Set) return value;
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
