import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import * as z from "zod";
import type { Clock } from "../../core/values/time.ts";

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
  const client = new SecretsManagerClient({
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 1_000,
      requestTimeout: 2_000,
      throwOnRequestTimeout: true,
    },
  });
  let cached: { readAtMs: number; secrets: Promise<ViewTokenSecrets> } | undefined;
  const readNow = async () => {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: secretArn }));
    return parseSecret(answer.SecretString ?? "");
  };
  return {
    async read(kid) {
      const known = await cached?.secrets;
      const ageMs = cached ? clock.nowMs() - cached.readAtMs : Number.POSITIVE_INFINITY;
      const unknown = kid !== undefined && !known?.byKid.has(kid);
      if (cached && ageMs < (unknown ? minRereadMs : cacheMs)) return await cached.secrets;
      // The promise is shared: a batch of 500 tokens reads the secret once.
      const before = cached;
      const reading = { readAtMs: clock.nowMs(), secrets: readNow() };
      cached = reading;
      try {
        return await reading.secrets;
      } catch (error) {
        // Secrets known so far still serve, while Secrets Manager does not.
        if (cached === reading) cached = before;
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
