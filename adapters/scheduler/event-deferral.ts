import {
  ConflictException,
  CreateScheduleCommand,
  type SchedulerClient,
} from "@aws-sdk/client-scheduler";
import type { EventDeferral } from "../../core/messaging/event-deferral.ts";
import type { Clock } from "../../core/values/time.ts";
import { sha256Hex } from "../runtime.ts";

interface Deps {
  readonly client: SchedulerClient;
  readonly clock: Clock;
  readonly group: string;
  readonly busArn: string;
  /** Scheduler's, which may put events on the bus. */
  readonly roleArn: string;
  readonly deadLettersArn: string;
}

/** Scheduler refuses a time that is past when the request arrives. */
const leastDelayMs = 2_000;
const fitName = /^[0-9a-zA-Z_.-]{1,64}$/;

/** One-off schedules, each deleted once its event is on the bus. */
export function schedulerDeferral(deps: Deps): EventDeferral {
  const { client, clock, group, busArn, roleArn, deadLettersArn } = deps;
  return {
    async publishAt({ contract, detail }, atMs, name) {
      const earliestMs = Math.max(atMs, clock.nowMs() + leastDelayMs);
      const second = new Date(Math.ceil(earliestMs / 1_000) * 1_000).toISOString().slice(0, 19);
      const command = new CreateScheduleCommand({
        Name: fitName.test(name) ? name : sha256Hex(name),
        GroupName: group,
        ScheduleExpression: `at(${second})`,
        FlexibleTimeWindow: { Mode: "OFF" },
        ActionAfterCompletion: "DELETE",
        Target: {
          Arn: busArn,
          RoleArn: roleArn,
          EventBridgeParameters: { Source: contract.source, DetailType: contract.detailType },
          Input: JSON.stringify(detail),
          RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
          DeadLetterConfig: { Arn: deadLettersArn },
        },
      });
      try {
        await client.send(command);
      } catch (error) {
        // It is planned already, by an attempt that was killed or beside this one.
        if (!(error instanceof ConflictException)) throw error;
      }
    },
  };
}
