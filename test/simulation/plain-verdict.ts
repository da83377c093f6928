import type { AcceptedEngagement } from "../../core/contracts/events.ts";
import type { Item } from "./expressions.ts";
import { inForce } from "./registry-memory.ts";

/** A number of which only its bounds are known: others counted at the same time. */
export interface Between {
  readonly least: number;
  readonly most: number;
}

/** What could be known of a reader's day when an engagement was judged, apart from itself. */
export interface AroundIt {
  readonly inHour: Between;
  readonly inDay: Between;
  readonly comments: Between;
  readonly presentations: Between;
}

export interface Traffic {
  readonly maxPerReaderHour: number;
  readonly maxPerReaderDay: number;
  readonly tokenBurst: number;
}

/** Registered things as some worker may have read them. */
export interface ReadState {
  readonly article: Item;
  readonly terms: Item;
  readonly cards: readonly Item[];
  readonly creatorsOf: (creatorId: string) => readonly (Item | undefined)[];
}

type Maybe = "no" | "maybe" | "yes";

/** Every verdict that could be right: `paid`, `held.over_rate`, `void.bot` … */
export function verdictsFor(
  engagement: AcceptedEngagement,
  read: ReadState,
  around: AroundIt,
  traffic: Traffic,
): Set<string> {
  const { kind, comment, userAgent = "", occurredAtMs } = engagement;
  const shares = read.terms.shares as readonly Item[];
  const isComment = kind === "comment";
  const caps = capsOf(read, String(shares[0]?.creatorId), occurredAtMs);
  const overCap = caps.map((cap) => reached(around.comments, cap));
  const rules: [verdict: string, applies: Maybe][] = [
    ["void.bot", /Googlebot/.test(userAgent) ? "yes" : "no"],
    ["void.self_view", ownReading(engagement.readerId, shares, read)],
    ["void.comment_rejected", isComment && comment?.moderation === "rejected" ? "yes" : "no"],
    ["void.reader_cap", isComment ? anyOf(overCap) : "no"],
    ["held.token_reuse", reached(around.presentations, traffic.tokenBurst)],
    [
      "held.over_rate",
      either(
        reached(around.inHour, traffic.maxPerReaderHour),
        reached(around.inDay, traffic.maxPerReaderDay),
      ),
    ],
    ["held.unmoderated", isComment && comment?.moderation !== "approved" ? "yes" : "no"],
    ["paid", "yes"],
  ];
  const right = new Set<string>();
  for (const [verdict, applies] of rules) {
    if (applies !== "no") right.add(verdict);
    if (applies === "yes") break;
  }
  return right;
}

function reached({ least, most }: Between, limit: number): Maybe {
  if (least >= limit) return "yes";
  return most >= limit ? "maybe" : "no";
}

function either(a: Maybe, b: Maybe): Maybe {
  if (a === "yes" || b === "yes") return "yes";
  return a === "maybe" || b === "maybe" ? "maybe" : "no";
}

/** Depending on what was read it is one or the other. */
function anyOf(answers: readonly Maybe[]): Maybe {
  const first = answers[0] ?? "no";
  return answers.every((answer) => answer === first) ? first : "maybe";
}

/** An article's own card goes first, then its first creator's, then the publisher's. */
function capsOf({ article, cards, creatorsOf }: ReadState, creatorId: string, atMs: number) {
  const own = inForce(article.rateCards, atMs);
  const options = own
    ? [own]
    : creatorsOf(creatorId).map(
        (creator) => inForce(creator?.rateCards, atMs) ?? inForce(cards, atMs),
      );
  return options.map((card) => Number(card?.commentsPerReader));
}

function ownReading(readerId: string, shares: readonly Item[], { creatorsOf }: ReadState): Maybe {
  const answers = shares.map(({ creatorId }): Maybe => {
    if (creatorId === readerId) return "yes";
    const states = creatorsOf(String(creatorId));
    return anyOf(
      states.map((state) => {
        const names = (state?.readerIds ?? []) as readonly string[];
        return names.includes(readerId) ? "yes" : "no";
      }),
    );
  });
  return answers.reduce(either, "no");
}
