import {
  IdempotencyAlreadyInProgressError,
  IdempotencyConfig,
  IdempotencyValidationError,
  makeIdempotent,
} from "@aws-lambda-powertools/idempotency";
import { DynamoDBPersistenceLayer } from "@aws-lambda-powertools/idempotency/dynamodb";
import { limits } from "../../core/contracts/limits.ts";
import { Problem, problems } from "../../core/perimeter/problem.ts";
import { dynamoDbClient } from "../dynamodb/client.ts";
import { sha256Hex } from "../runtime.ts";
import type { ApiAnswer, ApiCall } from "./api-handler.ts";
import { type ApiEvent, callerOf } from "./api-request.ts";
import { setting } from "./environment.ts";

/** What makes a request the same: who, where, the key; and what must then not differ. */
interface Fingerprint {
  readonly request: { readonly caller: string; readonly route: string; readonly key: string };
  readonly payload: { readonly path: string; readonly body: unknown };
}

type Operation = (call: ApiCall, body: unknown) => Promise<ApiAnswer>;

const printable = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * Runs an operation once for each caller, route and `Idempotency-Key`: the same key and body get
 * the first answer again, the same key with another body is a 409. Answers that are problems are
 * not kept, so that a request may be mended and sent again under its key.
 * @param required false where repeating the operation changes nothing.
 */
export function idempotently(operation: Operation, { required = true } = {}): Operation {
  const config = new IdempotencyConfig({
    eventKeyJmesPath: "request",
    payloadValidationJmesPath: "payload",
    expiresAfterSeconds: limits.idempotencyTtlMs / 1_000,
    hashFunction: "sha256",
  });
  const persistenceStore = new DynamoDBPersistenceLayer({
    tableName: setting("idempotencyTable"),
    awsSdkV3Client: dynamoDbClient,
  });
  return async (call, body) => {
    const key = idempotencyKey(call, required);
    if (key === undefined) return await operation(call, body);
    const { event } = call;
    const { subject, roles } = callerOf(event);
    const fingerprint: Fingerprint = {
      request: { caller: `${roles.join(" ")}:${subject}`, route: event.routeKey, key },
      payload: { path: event.rawPath, body },
    };
    config.registerLambdaContext(call.context);
    // Stored as text: an answer is replayed as it was, whatever types a store knows.
    const once = makeIdempotent(
      async (_: Fingerprint) => JSON.stringify(await operation(call, body)),
      { persistenceStore, config, keyPrefix: "api" },
    );
    try {
      return JSON.parse(await once(fingerprint)) as ApiAnswer;
    } catch (error) {
      throw idempotencyProblem(error);
    }
  };
}

/**
 * Checks the key of a request that is named by it, and so needs no memory of its answers.
 * @throws Problem 400 when it is missing or malformed.
 */
export function checkIdempotencyKey(call: ApiCall): void {
  idempotencyKey(call, true);
}

/** The same for every retry of a request, and for no other: its caller and Idempotency-Key. */
export function requestIdOf(event: ApiEvent): string {
  const { subject, roles } = callerOf(event);
  return sha256Hex(JSON.stringify([roles, subject, event.headers["idempotency-key"]]));
}

function idempotencyKey({ event }: ApiCall, required: boolean): string | undefined {
  const key = event.headers["idempotency-key"];
  if (key === undefined && !required) return undefined;
  if (key === undefined) {
    throw problems.invalid("Send an Idempotency-Key header: a fresh id (a UUID) for each change.");
  }
  if (key.length > limits.maxIdempotencyKeyLength || !printable.test(key)) {
    throw problems.invalid(
      `Idempotency-Key must be 1 to ${limits.maxIdempotencyKeyLength} printable ASCII characters.`,
    );
  }
  return key;
}

function idempotencyProblem(error: unknown): unknown {
  if (error instanceof IdempotencyValidationError) return problems.keyReused();
  if (error instanceof IdempotencyAlreadyInProgressError) {
    return new Problem(
      409,
      "idempotency-key-in-progress",
      "Still in progress",
      "The first request with this Idempotency-Key is not finished; send it again in a moment.",
      { retryAfterSeconds: 1 },
    );
  }
  return error;
}
