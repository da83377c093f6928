import type { CreatorId } from "../contracts/ids.ts";
import { entryIdOf } from "./entry.ts";

export interface EntryPlace {
  readonly creatorId: CreatorId;
  readonly sequence: number;
}

/** Whose entry an id names, and which. @returns undefined when it is no entry's id. */
export function parseEntryId(entryId: string): EntryPlace | undefined {
  const [, name = "", digits = ""] = /^(.+)\.(\d{10})$/.exec(entryId) ?? [];
  const place = { creatorId: unescaped(name) as CreatorId, sequence: Number(digits) };
  // Nothing has two ids: what would be written otherwise is none.
  return place.sequence > 0 && entryIdOf(place) === entryId ? place : undefined;
}

function unescaped(name: string): string {
  if (!name.isWellFormed()) return "";
  try {
    return decodeURIComponent(name.replaceAll("%", "%25").replaceAll("~", "%"));
  } catch {
    return "";
  }
}
