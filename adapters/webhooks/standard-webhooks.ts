import { Webhook } from "standardwebhooks";
import type { WebhookSecrets } from "../../core/webhooks/secrets.ts";
import { setting } from "../lambda/environment.ts";
import { type DerivedKeys, derivedKeys } from "../secrets/derived-keys.ts";

/** Standard Webhooks' symmetric scheme, `v1`. */
export function standardWebhooks(keys: DerivedKeys): WebhookSecrets {
  const secretOf: WebhookSecrets["secretOf"] = async ({ owner, endpointId }, which) => {
    const { generation, createdAtMs } = which;
    const purpose = JSON.stringify(["webhook", owner, endpointId, generation, createdAtMs]);
    return `whsec_${Buffer.from(await keys.key(purpose)).toString("base64")}`;
  };
  return {
    secretOf,
    async sign(whose, which, { id, atMs, body }) {
      const secrets = await Promise.all(which.map((one) => secretOf(whose, one)));
      const at = new Date(atMs);
      return secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(" ");
    },
  };
}

export function secretsFromEnvironment(): WebhookSecrets {
  return standardWebhooks(derivedKeys(setting("webhookSecretArn")));
}
