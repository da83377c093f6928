import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbProofSource } from "../../adapters/dynamodb/proof-source.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";

const source = dynamoDbProofSource({
  client: documentClient,
  earningsCountersTable: setting("earningsCountersTable"),
  ledgerTable: setting("ledgerTable"),
});

export const handler = apiHandler(async () => ok(await proveMoney({ source, clock: systemClock })));
