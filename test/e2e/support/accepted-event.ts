import { engagementsAccepted } from "../../../core/contracts/events.ts";

/** One view, as the bus writes it into the counter's queue; of a version that may be unknown. */
export function acceptedEvent(articleId: string, schemaVersion: number, traceId: string): string {
  return JSON.stringify({
    source: engagementsAccepted.source,
    "detail-type": engagementsAccepted.detailType,
    detail: {
      ...{ schemaVersion, traceparent: `00-${traceId}-${"b".repeat(16)}-01` },
      acceptedAtMs: Date.now(),
      engagements: [
        {
          ...{ articleId, readerId: "a-reader", kind: "view", channel: "publisher" },
          occurredAtMs: Date.now(),
        },
      ],
    },
  });
}
