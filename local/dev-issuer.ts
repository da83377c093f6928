import { randomUUID, type webcrypto } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from "jose";

/** No host has this name; only the embedded cloud verifies its tokens, with its own key. */
export const devIssuerUrl = "https://issuer.pennyline.local";

export interface TokenRequest {
  readonly role: string;
  /** The `sub` claim: for a creator, the creator's id. */
  readonly id: string;
  readonly ttlSeconds?: number;
}

/** Signs the tokens of one data folder; it stands where a real identity provider will. */
export interface DevIssuer {
  readonly publicKey: webcrypto.CryptoKey;
  mintToken(request: TokenRequest): Promise<string>;
  /** Signs whatever claims it is given, for tests of those who verify. */
  signClaims(claims: JWTPayload): Promise<string>;
}

export interface AdoptableIssuer extends DevIssuer {
  /** Makes issuer and audience those that the templates' authorizer asks for. */
  adopt(issuer: string, audience: string): void;
}

interface IssuerFile {
  readonly issuer?: string;
  readonly audience?: string;
  readonly kid: string;
  readonly privateKey: JWK;
}

const algorithm = "RS256";
const defaultTtlSeconds = 12 * 3_600;

/** Opens the key pair in `file`, or makes it. Who the tokens are from and for is set by `adopt`. */
export async function openDevIssuer(file: string): Promise<AdoptableIssuer> {
  if (!existsSync(file)) await createKeys(file);
  const keys = await readDevIssuer(file);
  return {
    ...keys,
    adopt(issuer, audience) {
      const stored = JSON.parse(readFileSync(file, "utf8")) as IssuerFile;
      if (stored.issuer === issuer && stored.audience === audience) return;
      write(file, { ...stored, issuer, audience });
    },
  };
}

/** Reads the issuer of a running copy. */
export async function readDevIssuer(file: string): Promise<DevIssuer> {
  const read = () => JSON.parse(readFileSync(file, "utf8")) as IssuerFile;
  const { privateKey: jwk, kid } = read();
  const privateKey = (await importJWK(jwk, algorithm)) as webcrypto.CryptoKey;
  const { kty = "RSA", n = "", e = "" } = jwk;
  const publicKey = (await importJWK({ kty, n, e }, algorithm)) as webcrypto.CryptoKey;
  const signClaims = (claims: JWTPayload) =>
    new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid, typ: "JWT" }).sign(privateKey);
  return {
    publicKey,
    signClaims,
    async mintToken({ role, id, ttlSeconds = defaultTtlSeconds }) {
      const { issuer, audience } = read();
      if (issuer === undefined || audience === undefined) {
        throw new Error("no copy of the embedded cloud has started on this data folder");
      }
      const iat = Math.floor(Date.now() / 1000);
      return signClaims({
        iss: issuer,
        aud: audience,
        sub: id,
        scope: role,
        iat,
        exp: iat + ttlSeconds,
        jti: randomUUID(),
      });
    },
  };
}

async function createKeys(file: string): Promise<void> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  write(file, { kid: randomUUID(), privateKey: await exportJWK(privateKey) });
}

function write(file: string, content: IssuerFile): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
