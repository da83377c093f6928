import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import type { Cloud } from "../../../local/cloud.ts";

/**
 * A view token as a publisher's server mints one.
 * @param times in seconds since the epoch.
 */
export async function mintViewToken(
  cloud: Pick<Cloud, "resources" | "secret">,
  { articleId, readerId }: { readonly articleId: string; readonly readerId: string },
  times: { readonly iat?: number; readonly exp?: number },
): Promise<string> {
  const resource = cloud.resources.find(({ type }) => type === "AWS::SecretsManager::Secret");
  const secret = JSON.parse(cloud.secret(resource?.ref ?? "")) as Record<string, string>;
  const kid = secret.current ?? "";
  return await new SignJWT({ sub: readerId, art: articleId, jti: randomUUID(), ...times })
    .setProtectedHeader({ alg: "HS256", kid })
    .sign(new TextEncoder().encode(secret[kid]));
}
