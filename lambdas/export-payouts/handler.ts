import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbPayouts } from "../../adapters/dynamodb/payout-store.ts";
import { apiHandler } from "../../adapters/lambda/api-handler.ts";
import { query } from "../../adapters/lambda/api-request.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { csvPayouts } from "../../adapters/payout-files/csv.ts";
import { pain001Payouts } from "../../adapters/payout-files/pain-001.ts";
import { sha256Hex, systemClock } from "../../adapters/runtime.ts";
import { payoutFileQuerySchema } from "../../core/contracts/queries.ts";
import { type Debtor, exportPayouts } from "../../core/payouts/export-payouts.ts";

const formats = { csv: csvPayouts, "pain.001": pain001Payouts };
const deps = {
  payouts: dynamoDbPayouts(documentClient, setting("ledgerTable")),
  creators: dynamoDbCreators(documentClient, setting("registryTable")),
  clock: systemClock,
  sha256: sha256Hex,
  debtor: (JSON.parse(setting("payoutDebtor")) as Debtor | null) ?? undefined,
};

export const handler = apiHandler(async ({ event }) => {
  const format = formats[query(event, payoutFileQuerySchema).format];
  const { text, written, left } = await exportPayouts(deps, format);
  for (const { payoutId, problem } of left) logger.warn("not in the file", { payoutId, problem });
  return {
    status: 200,
    body: text,
    headers: {
      "content-type": format.contentType,
      "content-disposition": `attachment; filename="${format.fileName}"`,
      "pennyline-payouts": String(written.length),
      // Those a bank could not carry out; the CSV names them and says why.
      "pennyline-payouts-left-out": String(left.length),
    },
  };
});
