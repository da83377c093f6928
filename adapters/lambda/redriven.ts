import type { SQSRecord } from "aws-lambda";
import { redriveAttributes } from "../../core/dead-letters/archive-letters.ts";
import { succeeded } from "../../core/dead-letters/letter.ts";
import { changeLetter } from "../../core/dead-letters/letter-store.ts";
import { type FailedDelivery, idOf } from "../../core/messaging/delivery.ts";
import { lettersFromEnvironment } from "../dynamodb/letters-from-environment.ts";
import { systemClock } from "../runtime.ts";
import { logger } from "./logger.ts";

const letters = lettersFromEnvironment();

/**
 * Says of messages that were redriven, and did not fail, that they succeeded. It never fails itself:
 * a letter that nobody says it of waits, and may be redriven or discarded after an hour.
 */
export async function closeLetters(
  records: readonly SQSRecord[],
  failed: readonly FailedDelivery[],
): Promise<void> {
  const ids = new Set(failed.map(idOf));
  await Promise.all(
    records.map(async ({ messageId, messageAttributes }) => {
      const letterId = messageAttributes[redriveAttributes.letterId]?.stringValue;
      if (letterId === undefined || ids.has(messageId)) return;
      const number = Number(messageAttributes[redriveAttributes.number]?.stringValue);
      try {
        await changeLetter(letters, letterId, (letter) =>
          // A job says by itself how it ended, see `followJobs`.
          letter.redrive?.jobId ? undefined : succeeded(letter, number, systemClock.nowMs()),
        );
      } catch (error) {
        logger.error("could not close a dead letter", { letterId, error: error as Error });
      }
    }),
  );
}
