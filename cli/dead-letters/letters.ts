import { z } from "zod";
import type { Api } from "../api/api-client.ts";
import { type Answered, ask } from "../api/ask.ts";

const path = "/v1/admin/dead-letters";
const mostAtOnce = "100";

const groupsShape = z.object({
  items: z.array(
    z.object({
      cause: z.string(),
      errorClass: z.string(),
      message: z.string(),
      queues: z.array(z.string()),
      count: z.number(),
      newest: z.object({ letterId: z.string(), archivedAt: z.string() }),
    }),
  ),
  complete: z.boolean(),
});
export type Groups = z.infer<typeof groupsShape>;

const letterShape = z.object({
  letterId: z.string(),
  state: z.string(),
  queue: z.string(),
  source: z.string(),
  kind: z.string(),
  cause: z.string(),
  errorClass: z.string(),
  message: z.string(),
  attempts: z.number(),
  redrives: z.number(),
  traceId: z.string().optional(),
  failedAt: z.string().optional(),
  firstSentAt: z.string(),
  archivedAt: z.string(),
  jobId: z.string().optional(),
  expiresAt: z.string().optional(),
  edited: z.boolean(),
  bytes: z.number(),
});
export type Letter = z.infer<typeof letterShape>;

const lettersShape = z.object({ items: z.array(letterShape), nextCursor: z.string().optional() });
export type Letters = z.infer<typeof lettersShape>;

export const wholeLetterShape = letterShape.extend({
  body: z.unknown(),
  original: z.unknown().optional(),
  history: z.array(
    z.object({
      what: z.string(),
      at: z.string(),
      by: z.string().optional(),
      note: z.string().optional(),
      redriveId: z.string().optional(),
      cause: z.object({ errorClass: z.string(), message: z.string() }).optional(),
    }),
  ),
});
export type WholeLetter = z.infer<typeof wholeLetterShape>;

const auditShape = z.object({
  items: z.array(
    z.object({
      at: z.string(),
      by: z.string(),
      action: z.string(),
      note: z.string(),
      letterIds: z.array(z.string()),
      redriveId: z.string().optional(),
    }),
  ),
  nextCursor: z.string().optional(),
});
export type Audit = z.infer<typeof auditShape>;

/** What of the query is left out is not asked for. */
export type Query = Readonly<Record<string, string | undefined>>;

export const readGroups = (api: Api, query: Query): Promise<Answered<Groups>> =>
  ask(api, `${path}/groups${queryString(query)}`, groupsShape);

export const readLetters = (api: Api, query: Query): Promise<Answered<Letters>> =>
  ask(api, `${path}${queryString(query)}`, lettersShape);

export const pathOfLetter = (letterId: string): string => `${path}/${encodeURIComponent(letterId)}`;

export const readLetter = (api: Api, letterId: string): Promise<Answered<WholeLetter>> =>
  ask(api, pathOfLetter(letterId), wholeLetterShape);

export const readAudit = (api: Api, query: Query): Promise<Answered<Audit>> =>
  ask(api, `/v1/admin/audit${queryString(query)}`, auditShape);

/** The ids of all that are open. */
export async function openLetterIds(api: Api, query: Query): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const { value } = await readLetters(api, { ...query, limit: mostAtOnce, cursor });
    ids.push(...value.items.map(({ letterId }) => letterId));
    cursor = value.nextCursor;
  } while (cursor !== undefined);
  return ids;
}

function queryString(query: Query): string {
  const given = Object.entries(query).filter(
    (one): one is [string, string] => one[1] !== undefined,
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
