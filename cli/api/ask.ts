import { randomUUID } from "node:crypto";
import { type ZodType, z } from "zod";
import { Refused } from "../program/unanswered.ts";
import { type Api, type ApiAnswer, ApiFailure, describe } from "./api-client.ts";

/** Digits, as the API writes micros and sums that a number could not hold exactly. */
export const integer = z
  .string()
  .regex(/^-?\d+$/)
  .transform(BigInt);

/** An answer as it is understood here, and as it came. */
export interface Answered<Value> {
  readonly value: Value;
  readonly raw: unknown;
}

/** Asks for something. @throws ApiFailure when there is no answer, or none that is understood. */
export async function ask<Value>(
  api: Api,
  path: string,
  shape: ZodType<Value>,
): Promise<Answered<Value>> {
  const answer = await api({ as: "admin", method: "GET", path });
  return understood(`GET ${path}`, answer, shape);
}

/** Has something changed, once however often it is asked. @throws ApiFailure, Refused */
export async function change<Value>(
  api: Api,
  method: "PUT" | "POST",
  path: string,
  body: unknown,
  shape: ZodType<Value>,
): Promise<Answered<Value>> {
  const idempotencyKey = randomUUID();
  const answer = await api({ as: "admin", method, path, body, idempotencyKey });
  return understood(`${method} ${path}`, answer, shape);
}

function understood<Value>(
  name: string,
  answer: ApiAnswer,
  shape: ZodType<Value>,
): Answered<Value> {
  const { status, body } = answer;
  if (status === 409) throw new Refused(refusal(name, answer));
  if (status >= 300) throw new ApiFailure(refusal(name, answer), status);
  const value = shape.safeParse(body);
  if (value.success) return { value: value.data, raw: body };
  const [issue] = value.error.issues;
  throw new ApiFailure(
    `${name}: the answer is not what this version knows ` +
      `(${issue?.path.join(".") || "body"}: ${issue?.message}); update the one that is older`,
    status,
  );
}

function refusal(name: string, answer: ApiAnswer): string {
  const { type } = (answer.body ?? {}) as { type?: unknown };
  const text = `${name}: ${describe(answer)}`;
  // Only a problem of ours knows of what there is nothing.
  return answer.status === 404 && type === undefined
    ? `${text}; check that --api (or PORT) is the address of a Pennyline API, as new as this is`
    : text;
}
