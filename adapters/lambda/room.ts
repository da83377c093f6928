import { MetricUnit } from "@aws-lambda-powertools/metrics";
import type { WorkKind } from "../../core/contracts/queued-work.ts";
import { type Pressure, refusalOf } from "../../core/pacing/pressure.ts";
import { pressureReader } from "../../core/pacing/pressure-reader.ts";
import { refusalProblem } from "../../core/pacing/refuse-work.ts";
import { pressureFromEnvironment } from "../dynamodb/pacing-from-environment.ts";
import { systemClock, systemPacing } from "../runtime.ts";
import type { AnswerCall } from "./api-handler.ts";
import { logger } from "./logger.ts";
import { metrics, publishBy } from "./metrics.ts";

/** A read takes milliseconds, the first one has to connect; nobody waits for a table that hangs. */
const readWithinMs = 1_000;
/** A busy environment decides by what it read a moment ago, and reads anew beside its work. */
const recentMs = 5_000;

/** What tells whether there is room for more, of the stage. */
export function roomFromEnvironment() {
  const { read } = pressureFromEnvironment(readWithinMs);
  const reader = pressureReader({
    ...{ read, clock: systemClock },
    onUnread(error) {
      logger.error("how full queues are could not be read: after a minute all is accepted", {
        error,
      });
      metrics.addMetric("PressureUnread", MetricUnit.Count, 1);
    },
  });
  return {
    /** @throws Problem 429 when more of it would be too much. */
    async require(kind: WorkKind): Promise<void> {
      const { pressure } = await reader.known();
      requireRoom(pressure, kind);
    },
    /** Answers only while there is room: before the body is looked at, or anything is written. */
    whileThereIs: (kind: WorkKind, answer: AnswerCall): AnswerCall => {
      return async (call) => {
        const { pressure, reading } = await reader.known(recentMs);
        try {
          requireRoom(pressure, kind);
          return await answer(call);
        } finally {
          await reading;
        }
      };
    },
  };
}

function requireRoom(pressure: Pressure, kind: WorkKind): void {
  const refusal = refusalOf(kind, pressure, systemClock.nowMs());
  if (!refusal) return;
  publishBy(["kind", kind], "WorkShed", 1);
  throw refusalProblem(refusal, pressure.retryAfterSeconds, systemPacing.random);
}
