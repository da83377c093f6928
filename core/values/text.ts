import { unfitCharacter } from "../contracts/ids.ts";

const unfitCharacters = new RegExp(unfitCharacter, "gu");
const utf8 = new TextEncoder();

/** The longest start of a text that takes at most `maxBytes` as UTF-8, without unfit characters. */
export function cutToBytes(text: string, maxBytes: number): string {
  const fit = text.toWellFormed().replaceAll(unfitCharacters, " ");
  if (utf8.encode(fit).length <= maxBytes) return fit;
  const { read } = utf8.encodeInto(fit, new Uint8Array(maxBytes));
  return fit.slice(0, read);
}

/** Whether a text begins with another as people read it: capitals are no difference. */
export function startsAlike(text: string, prefix: string): boolean {
  const plain = (some: string) => some.normalize("NFC").toLowerCase();
  return plain(text).startsWith(plain(prefix));
}
