import { proofFromEnvironment } from "../../adapters/dynamodb/proof-from-environment.ts";
import { apiHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { proveMoney } from "../../core/ledger/prove-money.ts";

const deps = proofFromEnvironment();

export const handler = apiHandler(async () => ok(await proveMoney(deps)));
