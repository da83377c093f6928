import type { AcceptedEngagement } from "../contracts/events.ts";

const utf8 = new TextEncoder();

/**
 * Splits engagements into as few lists as fit, each at most `maxBytes` as a JSON array.
 * Greedy in order is optimal enough: a list is closed only when the next item would not fit.
 */
export function packEngagements(
  engagements: readonly AcceptedEngagement[],
  maxBytes: number,
): AcceptedEngagement[][] {
  const packs: AcceptedEngagement[][] = [];
  let pack: AcceptedEngagement[] = [];
  let bytes = 2;
  for (const engagement of engagements) {
    const itemBytes = utf8.encode(JSON.stringify(engagement)).length + 1;
    if (pack.length > 0 && bytes + itemBytes > maxBytes) {
      packs.push(pack);
      pack = [];
      bytes = 2;
    }
    pack.push(engagement);
    bytes += itemBytes;
  }
  if (pack.length > 0) packs.push(pack);
  return packs;
}
