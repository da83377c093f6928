import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { documentClient } from "../../adapters/dynamodb/client.ts";
import { dynamoDbEarnings } from "../../adapters/dynamodb/earnings-reader.ts";
import { dynamoDbRecorded } from "../../adapters/dynamodb/recorded-pages.ts";
import { s3Client } from "../../adapters/files/s3-files.ts";
import { s3PartedFiles } from "../../adapters/files/s3-parted-files.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { jobHandler } from "../../adapters/lambda/job-handler.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { limits } from "../../core/contracts/limits.ts";
import { earnedRows } from "../../core/exports/earned-rows.ts";
import { type ExportDeps, exportEngagements } from "../../core/exports/export-engagements.ts";
import { recordedRows } from "../../core/exports/recorded-rows.ts";

const earningsCountersTable = setting("earningsCountersTable");
const deps: ExportDeps = {
  sources: {
    creator: earnedRows(dynamoDbEarnings(documentClient, { earningsCountersTable })),
    publisher: recordedRows(dynamoDbRecorded(documentClient, setting("impressionKeysTable"))),
  },
  files: s3PartedFiles(s3Client, setting("filesBucket")),
  gzip: promisify<string, Uint8Array>(gzip),
  clock: systemClock,
  partBytes: limits.minFilePartBytes,
};

export const handler = jobHandler("export.engagements", (run) => exportEngagements(deps, run));
