import type { CreatorId } from "../contracts/ids.ts";
import { fromUrlSafe } from "../values/url-safe.ts";

export interface EntryPlace {
  readonly creatorId: CreatorId;
  readonly sequence: number;
}

/** Whose entry an id names, and which. @returns undefined when it is no entry's id. */
export function parseEntryId(entryId: string): EntryPlace | undefined {
  const [, name = "", digits = ""] = /^(.+)\.(\d{10})$/.exec(entryId) ?? [];
  const creatorId = fromUrlSafe(name);
  const sequence = Number(digits);
  if (creatorId === undefined || creatorId === "" || sequence === 0) return undefined;
  return { creatorId: creatorId as CreatorId, sequence };
}
