import type * as z from "zod";
import { type CreatorId, canaryCreatorId, creatorIdSchema } from "../contracts/ids.ts";
import type { creatorsQuerySchema } from "../contracts/queries.ts";
import { afterId, idOfCursor, matchingPage } from "../perimeter/page.ts";
import { startsAlike } from "../values/text.ts";
import { type ListedCreator, presentCreator } from "./creator.ts";

export interface CreatorList {
  /** Creators after an id, in the order of their ids as UTF-8; may be a second behind writes. */
  creators(afterId: CreatorId | undefined): AsyncIterable<ListedCreator>;
}

const list = "creator";

/**
 * A page of the creators that were registered, by id; of bank details the ends of the IBAN.
 * @throws Problem 400 for a cursor that no answer gave.
 */
export async function listCreators(
  creators: CreatorList,
  query: z.infer<typeof creatorsQuerySchema>,
) {
  const { namePrefix, hasPayee, updatedAfter, limit, cursor } = query;
  const matches = ({ creatorId, name, payee, updatedAtMs }: ListedCreator) =>
    creatorId !== canaryCreatorId &&
    (namePrefix === undefined || (name !== undefined && startsAlike(name, namePrefix))) &&
    (hasPayee === undefined || (payee !== undefined) === hasPayee) &&
    (updatedAfter === undefined || updatedAtMs > updatedAfter);
  const cursorOf = ({ creatorId }: ListedCreator) => afterId(list, creatorId);
  const all = creators.creators(idOfCursor(list, creatorIdSchema, cursor));
  const { rows, next } = await matchingPage(all, limit, { matches, cursorOf });
  return { items: rows.map(present), ...next };
}

function present(creator: ListedCreator) {
  const shown = presentCreator(creator);
  if (!creator.payee) return shown;
  const { name, iban } = creator.payee;
  return { ...shown, payee: { name, iban: maskedIban(iban) } };
}

/** Country and check digits, and the last four: enough to recognize one, too little to use it. */
function maskedIban(iban: string): string {
  return `${iban.slice(0, 4)}…${iban.slice(-4)}`;
}
