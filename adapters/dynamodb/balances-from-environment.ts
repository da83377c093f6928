import type { CreatorId } from "../../core/contracts/ids.ts";
import { type Balance, readBalance } from "../../core/earnings/read-balance.ts";
import { setting } from "../lambda/environment.ts";
import { systemClock, systemPacing } from "../runtime.ts";
import { documentClient } from "./client.ts";
import { dynamoDbEarnings } from "./earnings-reader.ts";

/** Reads balances from the tables that the stack named. */
export function balancesFromEnvironment(): (creatorId: CreatorId) => Promise<Balance> {
  const deps = {
    earnings: dynamoDbEarnings(documentClient, {
      earningsCountersTable: setting("earningsCountersTable"),
      ledgerTable: setting("ledgerTable"),
    }),
    clock: systemClock,
    pacing: systemPacing,
    currency: setting("currency"),
  };
  return (creatorId) => readBalance(deps, creatorId);
}
