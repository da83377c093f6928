import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { unsubscribeTokens } from "../../../adapters/links/unsubscribe-tokens.ts";
import type { DerivedKeys } from "../../../adapters/secrets/derived-keys.ts";
import { vapidKeys } from "../../../adapters/web-push/vapid-keys.ts";
import type { Subscription } from "../../../core/notifications/unsubscribe.ts";

const keysOf = (secret: string): DerivedKeys => ({
  key: async (purpose) => createHmac("sha256", secret).update(purpose).digest(),
});

test("a token says what we signed, and nothing else is one", async () => {
  const tokens = unsubscribeTokens(keysOf("a"));
  const others = unsubscribeTokens(keysOf("b"));
  const ids = fc.string({ minLength: 1, maxLength: 128, unit: "grapheme" });
  await fc.assert(
    fc.asyncProperty(ids, ids, fc.nat(), async (creatorId, readerId, at) => {
      const subscription = { creatorId, readerId, channel: "email" } as Subscription;
      const token = await tokens.sign(subscription);
      expect(await tokens.read(token)).toEqual(subscription);
      expect(await others.read(token)).toBeUndefined();
      const index = at % token.indexOf(".");
      const other = token[index] === "A" ? "B" : "A";
      const changed = token.slice(0, index) + other + token.slice(index + 1);
      expect(await tokens.read(changed)).toBeUndefined();
    }),
  );
});

test("the key pair follows from the secret: a point of P-256, the same each time", async () => {
  const [one, again, other] = await Promise.all(
    ["a", "a", "b"].map((secret) => vapidKeys(keysOf(secret))),
  );
  expect(one).toEqual(again);
  expect(one?.publicKey).not.toBe(other?.publicKey);
  expect(Buffer.from(one?.publicKey ?? "", "base64url")[0]).toBe(4);
  expect(Buffer.from(one?.publicKey ?? "", "base64url")).toHaveLength(65);
});
