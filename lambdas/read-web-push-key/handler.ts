import { limitedHandler, ok } from "../../adapters/lambda/api-handler.ts";
import { setting } from "../../adapters/lambda/environment.ts";
import { derivedKeys } from "../../adapters/secrets/derived-keys.ts";
import { vapidKeys } from "../../adapters/web-push/vapid-keys.ts";

const keys = derivedKeys(setting("webPushSecretArn"));

/** What pages subscribe with: `applicationServerKey`. */
export const handler = limitedHandler({ limitedBy: "ip" }, async () =>
  ok({ publicKey: (await vapidKeys(keys)).publicKey }),
);
