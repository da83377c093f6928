import { Duration, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { ScheduledFunction } from "../constructs/scheduled-function.ts";
import { nameIn, type Platform } from "../platform.ts";

/** The proof that money adds up, every hour. A run that finds a difference fails, and rings. */
export class AuditStack extends Stack {
  readonly auditMoney: ScheduledFunction;

  constructor(scope: Construct, id: string, platform: Platform) {
    super(scope, id, { stackName: nameIn(platform.settings, "audit") });
    this.auditMoney = new ScheduledFunction(this, "AuditMoney", {
      platform,
      name: "audit-money",
      every: Duration.hours(1),
      // It reads every counter and entry there is.
      timeout: Duration.minutes(15),
      memoryMb: 1_024,
      needs: {
        tables: {
          earningsCounters: ["BatchGetItem", "Query", "Scan"],
          ledger: ["GetItem", "Query", "Scan"],
        },
        holdRules: true,
      },
      // One difference is one too many, and a second look has confirmed it.
      errorsToRing: 1,
    });
  }
}
