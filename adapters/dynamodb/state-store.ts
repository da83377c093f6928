import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { StateStore } from "../../core/pacing/state-store.ts";
import { type Clock, dayMs } from "../../core/values/time.ts";
import { getItem } from "./items.ts";
import { putRevision } from "./put-revision.ts";

interface Deps {
  readonly client: DynamoDBDocumentClient;
  readonly pacingTable: string;
  readonly clock: Clock;
}

/** A state that nobody changed for so long says nothing any more. */
const keptMs = 30 * dayMs;

/** States of one kind in the pacing table, an item each, as JSON. */
export function dynamoDbStates<State>(
  { client, pacingTable, clock }: Deps,
  kind: "breaker" | "canary" | "lease",
): StateStore<State> {
  const keyOf = (name: string) => ({ pk: `${kind}#${name}`, sk: kind });
  return {
    async read(name) {
      const item = await getItem(client, pacingTable, keyOf(name));
      if (!item) return undefined;
      return { state: JSON.parse(String(item.state)), revision: Number(item.revision) };
    },
    async replace(name, state, revision) {
      const ttl = BigInt(Math.ceil((clock.nowMs() + keptMs) / 1_000));
      const item = { ...keyOf(name), state: JSON.stringify(state), ttl };
      return await putRevision(client, pacingTable, item, revision);
    },
  };
}
