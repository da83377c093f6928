import { dayMs } from "../../core/values/time.ts";
import { numberSetting, setting } from "../lambda/environment.ts";
import { systemClock, systemPacing } from "../runtime.ts";
import { documentClient } from "./client.ts";
import { dynamoDbProofSource } from "./proof-source.ts";

/** What the proof needs, over the tables that the stack named. */
export function proofFromEnvironment() {
  const source = dynamoDbProofSource({
    client: documentClient,
    earningsCountersTable: setting("earningsCountersTable"),
    ledgerTable: setting("ledgerTable"),
  });
  const holdMs = numberSetting("holdDays") * dayMs;
  return { source, holdMs, clock: systemClock, pacing: systemPacing };
}
