import { expect, test } from "vitest";
import { limits } from "../../../core/contracts/limits.ts";
import { putRateCard, type RateCard } from "../../../core/registry/rate-card.ts";

const hourMs = 3_600_000;
const noon = Date.parse("2028-02-29T12:00:00Z");
const body = (view: number) => ({
  currency: "USD",
  micros: { view, read: 1, reaction: 1, comment: 1, search_visit: 1 },
});

function publisher() {
  const cards: RateCard[] = [];
  let nowMs = noon;
  const deps = {
    currency: "USD",
    clock: { nowMs: () => nowMs },
    rateCards: {
      list: async () => cards,
      publish: async (card: RateCard) => {
        cards.push(card);
        return "published" as const;
      },
    },
  };
  return {
    cards,
    wait: (ms: number) => {
      nowMs += ms;
    },
    put: (view: number, requestId: string) => putRateCard(deps, body(view), requestId),
  };
}

test("a retry after a crash finds its own card, and undoes no newer one", async () => {
  const { cards, put } = publisher();
  const first = await put(5, "a");
  await put(9, "b");
  expect(await put(5, "a")).toBe(first);
  expect(cards.map(({ prices }) => prices.view)).toEqual([5n, 9n]);
});

test("I7: a request id that comes back with other prices is a 409, and after a day a new card", async () => {
  const { put, wait } = publisher();
  await put(5, "a");
  await expect(put(6, "a")).rejects.toMatchObject({ status: 409, code: "idempotency-key-reused" });
  wait(25 * hourMs);
  expect(await put(6, "a")).toMatchObject({ version: 2, prices: { view: 6n } });
});

test("no UTC day has more cards than one ledger entry can hold lines for", async () => {
  const { put, wait } = publisher();
  for (let card = 0; card < limits.maxRateCardsPerDay; card += 1) await put(card, `card ${card}`);
  await expect(put(1, "one more")).rejects.toMatchObject({ code: "too-many-rate-cards" });
  wait(12 * hourMs);
  expect(await put(1, "one more")).toMatchObject({ version: limits.maxRateCardsPerDay + 1 });
});
