import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import * as z from "zod";
import type { Clock } from "../../core/values/time.ts";
import { secretsManagerClient } from "../secrets/client.ts";

/** Which secret signs now, and every secret that is still honoured, by `kid`. */
export interface ViewTokenSecrets {
  readonly currentKid: string;
  readonly byKid: ReadonlyMap<string, Uint8Array>;
}

export interface SecretSource {
  /** @param kid when it is not among what is cached, the secret is read again, but not too often. */
  read(kid?: string): Promise<ViewTokenSecrets>;
}

/** HS256 needs a key at least as long as its hash. */
const minSecretLength = 32;
const cacheMs = 5 * 60_000;
const minRereadMs = 10_000;

const secretSchema = z
  .object({ current: z.string() })
  .catchall(z.string().min(minSecretLength))
  .refine(({ current, ...keys }) => current in keys, "`current` must name one of the other keys");

const utf8 = new TextEncoder();

/** `{"current": "<kid>", "<kid>": "<secret>", …}` in Secrets Manager. */
export function secretsManagerSource(secretArn: string, clock: Clock): SecretSource {
  let known: { readAtMs: number; secrets: ViewTokenSecrets } | undefined;
  let reading: Promise<ViewTokenSecrets> | undefined;
  let triedAtMs = Number.NEGATIVE_INFINITY;

  async function readNow(): Promise<ViewTokenSecrets> {
    const readAtMs = clock.nowMs();
    const answer = await secretsManagerClient.send(
      new GetSecretValueCommand({ SecretId: secretArn }),
    );
    known = { readAtMs, secrets: parseSecret(answer.SecretString ?? "") };
    return known.secrets;
  }

  return {
    async read(kid) {
      const nowMs = clock.nowMs();
      const serves = known && (kid === undefined || known.secrets.byKid.has(kid));
      if (known && serves && nowMs - known.readAtMs < cacheMs) return known.secrets;
      // Anyone can send a kid that is unknown: that must not make us read again and again.
      if (known && !serves && !reading && nowMs - triedAtMs < minRereadMs) return known.secrets;
      if (!reading) {
        triedAtMs = nowMs;
        // Shared: a batch of 500 tokens reads the secret once.
        reading = readNow().finally(() => {
          reading = undefined;
        });
      }
      try {
        return await reading;
      } catch (error) {
        // What was known still serves while Secrets Manager does not.
        if (known) return known.secrets;
        throw error;
      }
    },
  };
}

/** @throws without showing the secret, when it is malformed. */
function parseSecret(text: string): ViewTokenSecrets {
  const result = secretSchema.safeParse(JSON.parse(text));
  if (!result.success) throw new Error(`the view token secret: ${result.error.issues[0]?.message}`);
  const { current, ...keys } = result.data;
  const byKid = new Map(Object.entries(keys).map(([kid, secret]) => [kid, utf8.encode(secret)]));
  return { currentKid: current, byKid };
}
