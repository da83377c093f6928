import { dynamoDbArticles } from "../../adapters/dynamodb/article-store.ts";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbCreators } from "../../adapters/dynamodb/creator-store.ts";
import { dynamoDbStatements } from "../../adapters/dynamodb/ledger-store.ts";
import { s3Client, s3Files } from "../../adapters/files/s3-files.ts";
import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { jobHandler } from "../../adapters/lambda/job-handler.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { drawStatement } from "../../adapters/statements/draw-statement.ts";
import { statementFonts } from "../../adapters/statements/fonts.ts";
import { renderStatement } from "../../core/statements/render-statement.ts";

const deps = {
  ledger: dynamoDbStatements(documentClient, setting("ledgerTable")),
  creators: dynamoDbCreators(documentClient, setting("registryTable")),
  articles: dynamoDbArticles(documentClient, setting("registryTable")),
  files: s3Files(s3Client, setting("filesBucket")),
  clock: systemClock,
  currency: setting("currency"),
  issuer: JSON.parse(setting("statementIssuer")),
  holdDays: numberSetting("holdDays"),
  draw: (document: Parameters<typeof drawStatement>[0]) => drawStatement(document, statementFonts),
};

export const handler = jobHandler("statement.render", (run) => renderStatement(deps, run));
