import { type CounterAddition, movesMoney } from "../../core/earnings/counter.ts";
import { parseLineKey } from "../../core/earnings/line.ts";
import {
  counterAttributes,
  counterKey,
  dueBucketOf,
  lineAttributes,
  poolBucketOf,
} from "./counter-items.ts";
import type { Item } from "./items.ts";
import type { Action } from "./write-transaction.ts";

/** What else an update does and asks: an expression may say SET once, and an item be updated once. */
export interface CounterUpdate {
  readonly sets?: readonly string[];
  readonly conditions?: readonly string[];
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Item;
}

/** The part of a transaction that ADDs lines to a counter, and puts it on the list it belongs on. */
export function addToCounter(
  earningsCountersTable: string,
  { id, lines }: CounterAddition,
  nowMs: number,
  also: CounterUpdate = {},
): Action {
  const names: Record<string, string> = { ...also.names, "#events": counterAttributes.events };
  const values: Item = { ...also.values };
  const additions: string[] = ["#events :events"];
  let events = 0n;
  let index = 0;
  for (const [line, total] of lines) {
    events += total.count;
    for (const [prefix, field] of lineAttributes) {
      if (total[field] === 0n && field !== "count") continue;
      names[`#a${index}`] = `${prefix}${line}`;
      values[`:a${index}`] = total[field];
      additions.push(`#a${index} :a${index}`);
      index += 1;
    }
  }
  values[":events"] = events;
  const sets = [...(also.sets ?? [])];
  const movements = [...lines.keys()].map((line) => parseLineKey(line).movement);
  if ([...lines.keys()].some(movesMoney)) {
    names["#due"] = counterAttributes.due;
    names["#since"] = counterAttributes.dueSince;
    values[":due"] = dueBucketOf(id.creatorId);
    values[":now"] = BigInt(nowMs);
    sets.push("#due = :due", "#since = if_not_exists(#since, :now)");
  } else if (id.pool !== undefined && movements.includes("weighed")) {
    names["#due"] = counterAttributes.due;
    values[":due"] = poolBucketOf(id.pool, id.day);
    // One with an award to settle stays where settlement finds it.
    sets.push("#due = if_not_exists(#due, :due)");
  }
  if (movements.includes("held")) {
    names["#held"] = counterAttributes.heldAt;
    values[":now"] = BigInt(nowMs);
    sets.push("#held = :now");
  }
  return {
    Update: {
      TableName: earningsCountersTable,
      Key: counterKey(id),
      UpdateExpression: `${sets.length > 0 ? `SET ${sets.join(", ")} ` : ""}ADD ${additions.join(", ")}`,
      ...(also.conditions?.length && { ConditionExpression: also.conditions.join(" AND ") }),
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
    },
  };
}
