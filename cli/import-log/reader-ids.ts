import { createHmac, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * A reader's pseudonym: the same address and user agent give the same one under the same key, and
 * without the key nobody can try all addresses to find who it was.
 */
export function readerIds(key: string | Buffer): (address: string, userAgent: string) => string {
  return (address, userAgent) =>
    createHmac("sha256", key)
      .update(JSON.stringify([address, userAgent]))
      .digest("base64url");
}

/** The key in the file, made at first use: a later run must give readers the ids they had. */
export async function readerKeyAt(file: string): Promise<Buffer> {
  await mkdir(dirname(file), { recursive: true });
  const fresh = `${randomBytes(32).toString("base64url")}\n`;
  // `wx` fails when the file exists, so that of two runs at once both use the first one's key.
  await writeFile(file, fresh, { flag: "wx", mode: 0o600 }).catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });
  const key = Buffer.from((await readFile(file, "utf8")).trim(), "base64url");
  if (key.length !== 32) {
    throw new Error(
      `${file} holds no reader key; remove it to make a new one (and new reader ids)`,
    );
  }
  return key;
}
