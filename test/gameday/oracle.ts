/** What a client reports, and will report again in the same words until it has an answer. */
export interface Engagement {
  readonly articleId: string;
  readonly readerId: string;
  readonly kind: Kind;
  /** When it is first sent: said, so that a repetition after midnight is still the same. */
  readonly occurredAt: string;
  readonly referrer?: string;
}

export const kinds = ["view", "read", "reaction"] as const;
export type Kind = (typeof kinds)[number];

export type Counts = Readonly<Record<Kind, number>>;

export interface Article {
  readonly articleId: string;
  /** Whole percents, of prices that are whole hundreds: no micro has to be placed. */
  readonly shares: Readonly<Record<string, number>>;
}

/** What one creator has from one article. */
export interface Earned {
  readonly creatorId: string;
  readonly articleId: string;
  readonly counts: Counts;
  readonly micros: bigint;
}

/** What the application says at the end. */
export interface Books {
  readonly earned: readonly Earned[];
  /** Engagements that it counted, without those of its own canary, and that it refused afterwards. */
  readonly counted: number;
  readonly rejected: number;
  /** Dead letters that nobody has seen to, and those that an operator discarded; one engagement each. */
  readonly open: number;
  readonly discarded: number;
}

export interface Oracle {
  /** Before it is sent for the first time. */
  sending(engagement: Engagement): void;
  accepted(engagement: Engagement): void;
  refused(engagement: Engagement, reason: string): void;
  /** An operator has said that these are not to be counted. */
  discarded(articleId: string): void;
  readonly totals: Readonly<{ sent: number; accepted: number; refused: number; discarded: number }>;
  /** What is wrong with the books; nothing: nothing was lost and nothing counted twice. */
  judge(books: Books): string[];
}

interface Known {
  readonly engagement: Engagement;
  fate: "unanswered" | "accepted" | "refused";
}

/**
 * Keeps account of every engagement that was sent, apart from the application: by its answers alone.
 * @param refusals reasons for which engagements are refused on purpose.
 */
export function createOracle(
  articles: readonly Article[],
  prices: Readonly<Record<Kind, bigint>>,
  refusals: readonly string[] = [],
): Oracle {
  const known = new Map<string, Known>();
  const surprises = new Map<string, number>();
  const given = new Set<string>();
  const of = (engagement: Engagement): Known => {
    const one = known.get(keyOf(engagement));
    if (one !== undefined) return one;
    throw new Error(`${keyOf(engagement)} was answered and never sent`);
  };
  const having = (fate: Known["fate"]) => [...known.values()].filter((one) => one.fate === fate);
  const discarded = () =>
    having("accepted").filter(({ engagement }) => given.has(engagement.articleId)).length;

  const expectedOf = ({ articleId, shares }: Article): Earned[] => {
    const its = having("accepted").filter(({ engagement }) => engagement.articleId === articleId);
    const count = (kind: Kind) => its.filter(({ engagement }) => engagement.kind === kind).length;
    const counts = { view: count("view"), read: count("read"), reaction: count("reaction") };
    const whole = kinds.reduce((sum, kind) => sum + BigInt(counts[kind]) * prices[kind], 0n);
    return Object.entries(shares).map(([creatorId, percent]) => ({
      ...{ creatorId, articleId, counts, micros: (whole * BigInt(percent)) / 100n },
    }));
  };

  return {
    sending(engagement) {
      const key = keyOf(engagement);
      if (!known.has(key)) known.set(key, { engagement, fate: "unanswered" });
    },
    accepted(engagement) {
      of(engagement).fate = "accepted";
    },
    refused(engagement, reason) {
      const one = of(engagement);
      // Accepted once is accepted, whatever a repetition is told.
      if (one.fate !== "accepted") one.fate = "refused";
      if (!refusals.includes(reason)) surprises.set(reason, (surprises.get(reason) ?? 0) + 1);
    },
    discarded: (articleId) => void given.add(articleId),
    get totals() {
      return {
        sent: known.size,
        accepted: having("accepted").length,
        refused: having("refused").length,
        discarded: discarded(),
      };
    },
    judge(books) {
      const expected = articles
        .filter(({ articleId }) => !given.has(articleId))
        .flatMap(expectedOf);
      return [
        ...having("unanswered").map(({ engagement }) => `${keyOf(engagement)} has no answer`),
        ...[...surprises].map(([reason, count]) => `${count} refused that are in order: ${reason}`),
        ...differences(expected, books.earned),
        ...sums(books, having("accepted").length, discarded()),
      ];
    },
  };
}

const keyOf = ({ articleId, readerId, kind }: Engagement) => `${articleId} ${readerId} ${kind}`;

function differences(expected: readonly Earned[], found: readonly Earned[]): string[] {
  const placeOf = ({ creatorId, articleId }: Earned) => `${articleId} (${creatorId})`;
  const foundAt = new Map(found.map((one) => [placeOf(one), one]));
  const expectedAt = new Map(expected.map((one) => [placeOf(one), one]));
  return [...new Set([...expectedAt.keys(), ...foundAt.keys()])].flatMap((place) => {
    const [should, is] = [expectedAt.get(place), foundAt.get(place)];
    const wrong = kinds.flatMap((kind) => {
      const gap = (is?.counts[kind] ?? 0) - (should?.counts[kind] ?? 0);
      if (gap === 0) return [];
      const what = gap < 0 ? `${-gap} LOST` : `${gap} counted TOO MUCH`;
      return [`${place}: ${kind}: ${what}, of ${should?.counts[kind] ?? 0} that were accepted`];
    });
    const [owed, earned] = [should?.micros ?? 0n, is?.micros ?? 0n];
    if (owed === earned) return wrong;
    return [...wrong, `${place}: ${owed} micros are due, ${earned} were earned`];
  });
}

/** accepted = counted + open dead letters + rejected or discarded with a reason. */
function sums(books: Books, accepted: number, discarded: number): string[] {
  const { counted, rejected, open } = books;
  const found = counted + open + rejected + books.discarded;
  return [
    ...(found === accepted
      ? []
      : [
          `${accepted} were accepted, but ${counted} counted + ${open} in dead letters + ` +
            `${rejected} rejected + ${books.discarded} discarded are ${found}`,
        ]),
    ...(books.discarded === discarded
      ? []
      : [`${discarded} were to be discarded, and ${books.discarded} were`]),
    ...(open === 0 ? [] : [`nobody has seen to ${open} dead letters`]),
  ];
}
