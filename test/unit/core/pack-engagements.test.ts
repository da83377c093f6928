import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AcceptedEngagement } from "../../../core/contracts/events.ts";
import { packEngagements } from "../../../core/engagements/pack-engagements.ts";
import { engagements } from "./arbitraries.ts";

const bytesOf = (pack: readonly AcceptedEngagement[]) => Buffer.byteLength(JSON.stringify(pack));
const lists = fc.array(engagements, { maxLength: 40 });
/** More than the largest single engagement here needs. */
const limit = fc.integer({ min: 2_000, max: 6_000 });

describe("packEngagements", () => {
  test("loses nothing and keeps the order", () => {
    fc.assert(
      fc.property(lists, limit, (all, maxBytes) => {
        expect(packEngagements(all, maxBytes).flat()).toEqual(all);
      }),
    );
  });

  test("I10: keeps each pack within its bytes, whatever the script it is written in", () => {
    fc.assert(
      fc.property(lists, limit, (all, maxBytes) => {
        for (const pack of packEngagements(all, maxBytes)) {
          if (pack.length > 1) expect(bytesOf(pack)).toBeLessThanOrEqual(maxBytes);
        }
      }),
    );
  });

  test("packs as few as fit in this order: no pack could take the next one's first", () => {
    fc.assert(
      fc.property(lists, limit, (all, maxBytes) => {
        const packs = packEngagements(all, maxBytes);
        packs.slice(1).forEach((next, index) => {
          const together = [...(packs[index] ?? []), ...next.slice(0, 1)];
          // One byte of slack: the packer counts a comma behind the last item too.
          expect(bytesOf(together) + 1).toBeGreaterThan(maxBytes);
        });
        expect(packs.every((pack) => pack.length > 0)).toBe(true);
      }),
    );
  });
});
