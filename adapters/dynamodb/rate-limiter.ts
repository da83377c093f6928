import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  type DynamoDBDocumentClient,
  UpdateCommand,
  type UpdateCommandInput,
} from "@aws-sdk/lib-dynamodb";
import {
  type Claim,
  claimOf,
  granted,
  isIdle,
  pauseUs,
  type RateLimiter,
  refusal,
} from "../../core/pacing/rate-limiter.ts";
import { type Clock, dayMs } from "../../core/values/time.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly pacingTable: string;
  readonly clock: Clock;
}

/** It is idle for one of any rivals only: the others find it taken, and line up behind. */
const maxAttempts = 8;

const keyOf = (name: string) => ({ pk: `limit#${name}`, sk: "slot" });

/**
 * Rate limits in the pacing table, an item each. Who finds one busy adds to the end of what is
 * reserved, which never conflicts; who finds one idle begins anew from now, on the condition that
 * nobody else did.
 */
export function dynamoDbRateLimiter(deps: Deps): RateLimiter {
  return {
    async reserve(name, units, rate, { maxWaitMs = 0, idle: believedIdle = false } = {}) {
      const claim = claimOf(units, rate, maxWaitMs, deps.clock.nowMs());
      const ttl = ttlAfter(claim.latestUs);
      let idle = believedIdle;
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const answer = await update(deps, name, idle ? begin(claim, ttl) : lineUp(claim, ttl));
        if (answer.written) return granted(claim, answer.reservedToUs ?? claim.nowUs);
        const { reservedToUs } = answer;
        const refused = refusal(claim, reservedToUs);
        if (refused) return refused;
        idle = isIdle(claim, reservedToUs);
      }
      throw new Error(`the limit ${name} was idle and busy by turns`);
    },
    async pauseUntil(name, rate, atMs) {
      const toUs = pauseUs(rate, atMs);
      await update(deps, name, {
        UpdateExpression: "SET reservedTo = :to, #ttl = :ttl",
        ConditionExpression: "attribute_not_exists(reservedTo) OR reservedTo < :to",
        ExpressionAttributeValues: { ":to": BigInt(toUs), ":ttl": ttlAfter(toUs) },
      });
    },
  };
}

function lineUp({ nowUs, costUs, latestUs }: Claim, ttl: bigint) {
  return {
    UpdateExpression: "SET reservedTo = reservedTo + :cost, #ttl = :ttl",
    ConditionExpression: "reservedTo > :now AND reservedTo <= :latest",
    ExpressionAttributeValues: {
      ":now": BigInt(nowUs),
      ":cost": BigInt(costUs),
      ":latest": BigInt(latestUs),
      ":ttl": ttl,
    },
  };
}

function begin({ nowUs, costUs }: Claim, ttl: bigint) {
  return {
    UpdateExpression: "SET reservedTo = :to, #ttl = :ttl",
    ConditionExpression: "attribute_not_exists(reservedTo) OR reservedTo <= :now",
    ExpressionAttributeValues: {
      ":now": BigInt(nowUs),
      ":to": BigInt(nowUs + costUs),
      ":ttl": ttl,
    },
  };
}

async function update(
  { client, pacingTable }: Deps,
  name: string,
  expressions: Pick<
    UpdateCommandInput,
    "UpdateExpression" | "ConditionExpression" | "ExpressionAttributeValues"
  >,
): Promise<{ readonly written: boolean; readonly reservedToUs: number | undefined }> {
  try {
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: pacingTable,
        Key: keyOf(name),
        ...expressions,
        ExpressionAttributeNames: { "#ttl": "ttl" },
        ReturnValues: "UPDATED_NEW",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
    return { written: true, reservedToUs: Number(Attributes?.reservedTo) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    // The document client leaves the items of errors as they came.
    const reservedTo = error.Item?.reservedTo?.N;
    return { written: false, reservedToUs: reservedTo ? Number(reservedTo) : undefined };
  }
}

/** An item is of use until what is reserved is over. */
const ttlAfter = (us: number) => BigInt(Math.ceil((us / 1_000 + dayMs) / 1_000));
