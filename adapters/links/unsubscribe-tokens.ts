import { createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { notificationChannels } from "../../core/contracts/kinds.ts";
import type { Subscription, UnsubscribeTokens } from "../../core/notifications/unsubscribe.ts";
import type { DerivedKeys } from "../secrets/derived-keys.ts";

/** As we signed it; ids that were fit then are taken as they are. */
const claims = z.tuple([z.string(), z.string(), z.enum(notificationChannels)]);
const maxTokenLength = 1_000;

/** `<creator, reader and channel as JSON, base64url>.<HMAC-SHA256, base64url>` */
export function unsubscribeTokens(keys: DerivedKeys): UnsubscribeTokens {
  const macOf = async (text: string) =>
    createHmac("sha256", await keys.key("unsubscribe"))
      .update(text)
      .digest();
  return {
    async sign({ creatorId, readerId, channel }) {
      const json = JSON.stringify([creatorId, readerId, channel]);
      const text = Buffer.from(json).toString("base64url");
      return `${text}.${(await macOf(text)).toString("base64url")}`;
    },
    async read(token) {
      const [text = "", mac = "", ...more] = token.slice(0, maxTokenLength).split(".");
      const [given, right] = [Buffer.from(mac, "base64url"), await macOf(text)];
      if (more.length > 0 || given.length !== right.length) return undefined;
      if (!timingSafeEqual(given, right)) return undefined;
      const [creatorId, readerId, channel] = claims.parse(
        JSON.parse(Buffer.from(text, "base64url").toString("utf8")),
      );
      return { creatorId, readerId, channel } as Subscription;
    },
  };
}
