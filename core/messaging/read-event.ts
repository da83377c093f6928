import * as z from "zod";
import type { EventContract } from "../contracts/events.ts";

const envelopeSchema = z.object({
  "detail-type": z.string(),
  source: z.string(),
  detail: z.looseObject({ schemaVersion: z.int() }),
});

/** A message that is not what its queue carries. It goes to the DLQ, never half understood. */
export class UnreadableEvent extends Error {
  override readonly name = "UnreadableEvent";
}

/**
 * The detail of an EventBridge envelope, as its contract describes it; an older version is told in
 * today's words. One that the contract does not know is refused: that would be guessing with money.
 * @throws UnreadableEvent
 */
export function readEvent<Detail extends z.ZodType>(
  contract: EventContract<Detail>,
  body: string,
): z.infer<Detail> {
  const envelope = envelopeSchema.safeParse(parse(body));
  if (!envelope.success) throw new UnreadableEvent("it is not an event envelope");
  const { source, detail, "detail-type": detailType } = envelope.data;
  if (source !== contract.source || detailType !== contract.detailType) {
    throw new UnreadableEvent(`expected ${contract.detailType}, got ${source} ${detailType}`);
  }
  const older = contract.older?.find((version) => version.detail.safeParse(detail).success);
  const result = contract.detail.safeParse(older ? older.upcast(detail) : detail);
  if (result.success) return result.data;
  throw new UnreadableEvent(
    `${detailType} schemaVersion ${detail.schemaVersion}: ${result.error.issues[0]?.message}`,
    { cause: result.error },
  );
}

/** Which of the events that a queue carries this is. @throws UnreadableEvent */
export function detailTypeOf(body: string): string {
  const envelope = envelopeSchema.safeParse(parse(body));
  if (!envelope.success) throw new UnreadableEvent("it is not an event envelope");
  return envelope.data["detail-type"];
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new UnreadableEvent("it is not JSON", { cause });
  }
}
