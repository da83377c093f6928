import { createECDH } from "node:crypto";
import type { DerivedKeys } from "../secrets/derived-keys.ts";

/** What identifies us to browsers' push services (RFC 8292); base64url. */
export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** Key pairs of P-256 are numbers below its order; all but one in four thousand million are. */
const maxAttempts = 4;

/** The same pair for as long as the secret is the same: subscriptions are bound to it. */
export async function vapidKeys(keys: DerivedKeys): Promise<VapidKeys> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const privateKey = Buffer.from(await keys.key(`vapid ${attempt}`));
    const pair = createECDH("prime256v1");
    try {
      pair.setPrivateKey(privateKey);
    } catch {
      continue;
    }
    return {
      publicKey: pair.getPublicKey("base64url"),
      privateKey: privateKey.toString("base64url"),
    };
  }
  throw new Error("no key of the secret is below the curve's order");
}
