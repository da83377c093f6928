import type { Letter, LetterState, StoredBody } from "./letter.ts";

/** What a list of letters can be read by without reading the letters. */
export interface LetterLine {
  readonly letterId: string;
  readonly queue: string;
  readonly causeId: string;
  readonly errorClass: string;
  readonly message: string;
  readonly archivedAtMs: number;
}

/** Where a letter stands in the list of its state, which is also the cursor of what follows it. */
export const listedAt = ({
  archivedAtMs,
  letterId,
}: Pick<LetterLine, "archivedAtMs" | "letterId">): string =>
  `${new Date(archivedAtMs).toISOString()}#${letterId}`;

export interface LetterFilter {
  readonly queue?: string | undefined;
  readonly causeId?: string | undefined;
}

export interface LetterStore {
  read(letterId: string): Promise<Letter | undefined>;
  /** Those that exist, in no order. */
  readAll(letterIds: readonly string[]): Promise<readonly Letter[]>;
  /** Writes a letter and its body, unless it is there already. */
  add(letter: Letter, body: string): Promise<"added" | "known">;
  /** Writes the next version, unless another writer did. */
  replace(letter: Letter): Promise<"replaced" | "raced">;
  /** @param edition 0: the original. */
  readBody(letter: Letter, edition: number): Promise<string>;
  /** Stores a body under its edition and writer; a letter that names it follows. */
  putBody(letterId: string, edition: number, body: string, writer?: string): Promise<StoredBody>;
  /** Forgets a body that no letter names. */
  dropBody(letterId: string, edition: number, stored: StoredBody): Promise<void>;
  /** Lines of one state, newest first. */
  lines(state: LetterState, filter?: LetterFilter, after?: string): AsyncGenerator<LetterLine>;
}

/** Changes a letter by what is decided on its latest version; undefined changes nothing. */
export async function changeLetter(
  store: Pick<LetterStore, "read" | "replace">,
  letterId: string,
  decide: (letter: Letter) => Letter | undefined,
): Promise<Letter | undefined> {
  for (let attempt = 0; attempt < maxRaces; attempt += 1) {
    const letter = await store.read(letterId);
    if (!letter) return undefined;
    const next = decide(letter);
    if (!next) return letter;
    if ((await store.replace(next)) === "replaced") return next;
  }
  throw new Error(`letter ${letterId} changes all the time`);
}

const maxRaces = 10;
