import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbProofSource } from "../../adapters/dynamodb/proof-source.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { systemClock, systemPacing } from "../../adapters/runtime.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";
import { dayMs } from "../../core/values/time.ts";

const source = dynamoDbProofSource({
  client: documentClient,
  earningsCountersTable: setting("earningsCountersTable"),
  ledgerTable: setting("ledgerTable"),
});

const deps = {
  ...{ source, clock: systemClock, pacing: systemPacing },
  holdMs: numberSetting("holdDays") * dayMs,
};

export const handler = apiHandler(async () => ok(await proveMoney(deps)));
