import type { ReaderId } from "../contracts/ids.ts";
import type { PageQuery } from "../perimeter/page.ts";
import type { InboxItem } from "./told-store.ts";

export interface InboxReader {
  /** The newest first, from where a cursor says; items that expired do not exist. */
  page(
    readerId: ReaderId,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ readonly items: readonly InboxItem[]; readonly nextCursor?: string }>;
}

/** A page of what a reader was told, newest first. */
export async function readInbox(
  inbox: InboxReader,
  readerId: ReaderId,
  { limit, cursor }: PageQuery,
) {
  const { items, nextCursor } = await inbox.page(readerId, limit, cursor);
  return {
    readerId,
    items: items.map(({ atMs, ...item }) => ({ ...item, at: new Date(atMs).toISOString() })),
    ...(nextCursor !== undefined && { nextCursor }),
  };
}
