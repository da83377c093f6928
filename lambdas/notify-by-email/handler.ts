import { setting } from "../../adapters/lambda/environment.ts";
import { logger } from "../../adapters/lambda/logger.ts";
import { notifyHandler } from "../../adapters/lambda/notify-handler.ts";
import { unsubscribeTokens } from "../../adapters/links/unsubscribe-tokens.ts";
import { systemClock } from "../../adapters/runtime.ts";
import { derivedKeys } from "../../adapters/secrets/derived-keys.ts";
import { type MailSettings, mailProvider } from "../../adapters/ses/mail-provider.ts";

export const handler = notifyHandler(
  mailProvider({
    settings: JSON.parse(setting("mail")) as MailSettings | null,
    apiUrl: setting("apiUrl"),
    tokens: unsubscribeTokens(derivedKeys(setting("linkSecretArn"))),
    clock: systemClock,
    onRefused: (reason) => logger.warn("an e-mail was not taken", { reason }),
  }),
);
