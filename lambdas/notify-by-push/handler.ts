import { numberSetting, setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { notifyHandler } from "../../adapters/lambda/notify-handler.ts";
import { outboundFromEnvironment } from "../../adapters/outbound/outbound-from-environment.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { derivedKeys } from "../../adapters/secrets/derived-keys.ts";
import { pushProvider } from "../../adapters/web-push/push-provider.ts";
import { vapidKeys } from "../../adapters/web-push/vapid-keys.ts";

const secret = derivedKeys(setting("webPushSecretArn"));

export const handler = notifyHandler(
  pushProvider({
    outbound: outboundFromEnvironment(),
    keys: () => vapidKeys(secret),
    contact: setting("webPushContact"),
    perSecond: numberSetting("webPushPerSecond"),
    clock: systemClock,
    onRefused: (reason) => logger.warn("a push message was not taken", { reason }),
  }),
);
