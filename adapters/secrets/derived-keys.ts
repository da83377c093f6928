import { hkdfSync } from "node:crypto";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { secretsManagerClient } from "./client.ts";

const keyBytes = 32;
const minSecretLength = 32;

/** Keys that follow from one secret, each for a purpose of its own: knowing one tells no other. */
export interface DerivedKeys {
  /** 32 bytes; the same for the same purpose. */
  key(purpose: string): Promise<Uint8Array>;
}

/** The secret is read once for each environment: it is never changed, see the stack. */
export function derivedKeys(secretArn: string): DerivedKeys {
  let secret: Promise<string> | undefined;
  const read = async () => {
    const answer = await secretsManagerClient.send(
      new GetSecretValueCommand({ SecretId: secretArn }),
    );
    const text = answer.SecretString ?? "";
    if (text.length < minSecretLength) throw new Error(`${secretArn} is too short to be a key`);
    return text;
  };
  return {
    async key(purpose) {
      secret ??= read();
      try {
        return new Uint8Array(hkdfSync("sha256", await secret, "", purpose, keyBytes));
      } catch (error) {
        // Read again next time: a failed read must not last as long as the environment.
        secret = undefined;
        throw error;
      }
    },
  };
}
