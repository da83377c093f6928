import * as z from "zod";
import {
  engagementBatchSchema,
  publisherEngagementSchema,
  tokenEngagementSchema,
} from "../contracts/bodies.ts";
import { type AcceptedEngagement, engagementsAccepted } from "../contracts/events.ts";
import type { CommentLength, EngagementKind } from "../contracts/kinds.ts";
import { limits } from "../contracts/limits.ts";
import type { IsBot } from "../earnings/judge-engagement.ts";
import type { EventPublisher } from "../messaging/event-publisher.ts";
import { Problem } from "../perimeter/problem.ts";
import { check, fieldProblems, validate } from "../perimeter/validate.ts";
import type { FindKnown } from "../registry/known-articles.ts";
import { cutToBytes } from "../values/text.ts";
import type { Clock } from "../values/time.ts";
import {
  type Channel,
  judgeOccurredAt,
  judgeTokenAge,
  judgeWithinToken,
} from "./engagement-window.ts";
import { packEngagements } from "./pack-engagements.ts";
import { isSearchReferrer } from "./search-engines.ts";
import type { ViewTokens } from "./view-token.ts";

export interface Rejection {
  readonly code: string;
  readonly detail: string;
}

export interface AcceptanceAnswer {
  readonly accepted: number;
  readonly rejected: readonly ({ readonly index: number } & Rejection)[];
  /** Accepted and counted, but certain to earn nothing, and what to do about it; left out when none. */
  readonly warnings?: readonly ({ readonly index: number } & Warning)[];
}

type WarningCode = "bot";

interface Warning {
  readonly code: WarningCode;
  readonly detail: string;
}

interface Deps {
  readonly findKnown: FindKnown;
  /** As the worker that counts asks it: what is void there is warned of here. */
  readonly isBot: IsBot;
  readonly bus: EventPublisher;
  readonly clock: Clock;
}

interface TokenDeps extends Deps {
  readonly tokens: ViewTokens;
  /** Of the request: the reader's browser, or a server that says it for the reader. */
  readonly userAgent?: string | undefined;
}

type Judged = AcceptedEngagement | Rejection;

const rejected = (code: string, detail: string): Rejection => ({ code, detail });

function isRejection(judged: Judged): judged is Rejection {
  return "code" in judged;
}

/**
 * Engagements reported by browsers, each with its view token.
 * @param body one `{token, kind, occurredAt?}`, or `{engagements: [...]}` with up to 500 of them.
 * @throws Problem 400 when none is acceptable; 503 when the bus could not take them all.
 */
export async function acceptTokenEngagements(
  deps: TokenDeps,
  body: unknown,
  traceparent: string,
): Promise<AcceptanceAnswer> {
  // Without `engagements` it is meant as a single one, and judged as that: its token may be missing.
  const record = z.record(z.string(), z.unknown()).safeParse(body);
  const single = record.success && !("engagements" in record.data);
  const items = single ? [body] : validate(engagementBatchSchema, body).engagements;
  const judged = await Promise.all(items.map((item) => judgeTokenItem(deps, item)));
  return await acceptJudged(deps, judged, traceparent);
}

/** Engagements reported by the publisher itself, `{engagements: [...]}`; otherwise as above. */
export async function acceptPublisherEngagements(
  deps: Deps,
  body: unknown,
  traceparent: string,
): Promise<AcceptanceAnswer> {
  const { engagements } = validate(engagementBatchSchema, body);
  return await acceptJudged(
    deps,
    engagements.map((item) => judgePublisherItem(deps, item)),
    traceparent,
  );
}

async function judgeTokenItem(deps: TokenDeps, item: unknown): Promise<Judged> {
  const parsed = check(tokenEngagementSchema, item);
  if (!parsed.success) return malformed(parsed.error);
  const { token, ...particulars } = parsed.data;
  const verdict = await deps.tokens.verify(token);
  if (!verdict.ok) return rejected(verdict.code, verdict.detail);
  const { art: articleId, sub: readerId, jti: tokenId } = verdict.claims;
  const untimely = judgeTokenAge(verdict.claims, deps.clock.nowMs());
  if (untimely) return untimely;
  const userAgent = deps.userAgent && cutToBytes(deps.userAgent, limits.maxUserAgentBytes);
  const judged = judgeParticulars(deps.clock, "token", particulars, {
    ...{ articleId, readerId, tokenId },
    ...(userAgent ? { userAgent } : {}),
    // Neither a comment's length nor its moderation is a browser's to tell.
    ...(particulars.kind === "comment" && {
      comment: { length: "short", moderation: "pending" } as const,
    }),
  });
  if (isRejection(judged)) return judged;
  return judgeWithinToken(judged.occurredAtMs, verdict.claims) ?? judged;
}

function judgePublisherItem(deps: Deps, item: unknown): Judged {
  const parsed = check(publisherEngagementSchema, item);
  if (!parsed.success) return malformed(parsed.error);
  const { articleId, readerId, userAgent, comment, ...particulars } = parsed.data;
  if (comment !== undefined && particulars.kind !== "comment") return unfit("comment", "comment");
  return judgeParticulars(deps.clock, "publisher", particulars, {
    ...{ articleId, readerId },
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(comment === undefined
      ? {}
      : {
          comment: {
            length: commentLengthOf(comment.characters),
            moderation: comment.moderation,
          },
        }),
  });
}

type Particulars = Omit<z.infer<typeof tokenEngagementSchema>, "token">;

/** What makes a `read`. */
const leastAttentionMs = 30_000;

/** What the kind asks for, whoever reports it. */
function judgeParticulars(
  clock: Clock,
  channel: Channel,
  { kind, occurredAt, referrer, reaction, attentionMs, reachedEnd }: Particulars,
  rest: Omit<AcceptedEngagement, "occurredAtMs" | "channel" | "kind">,
): Judged {
  if (reaction !== undefined && kind !== "reaction") return unfit("reaction", "reaction");
  const measured = attentionMs !== undefined || reachedEnd !== undefined;
  if (measured && kind !== "read") return unfit("attentionMs and reachedEnd", "read");
  if (measured && !reachedEnd && (attentionMs ?? 0) < leastAttentionMs) {
    return rejected(
      "not_a_read",
      `attentionMs is ${attentionMs ?? 0}: a read takes ${leastAttentionMs} ms, or reachedEnd`,
    );
  }
  if (kind === "search_visit" && !(referrer !== undefined && isSearchReferrer(referrer))) {
    return rejected(
      "not_a_search_engine",
      referrer === undefined
        ? "referrer is missing; a search_visit must say which search engine it came from"
        : "referrer is not a known search engine's host",
    );
  }
  return judgeTime(clock, channel, occurredAt, {
    ...rest,
    kind,
    ...(referrer === undefined ? {} : { referrer }),
    ...(reaction === undefined ? {} : { reaction }),
  });
}

function unfit(field: string, kind: EngagementKind): Rejection {
  return rejected("invalid", `${field}: only a ${kind} has it`);
}

function commentLengthOf(characters: number): CommentLength {
  if (characters < 80) return "short";
  return characters < 400 ? "medium" : "long";
}

function malformed(error: z.ZodError): Rejection {
  const details = fieldProblems(error).map(({ field, detail }) => `${field}: ${detail}`);
  return rejected("invalid", details.join("; "));
}

function judgeTime(
  clock: Clock,
  channel: Channel,
  occurredAt: number | undefined,
  rest: Omit<AcceptedEngagement, "occurredAtMs" | "channel">,
): Judged {
  const nowMs = clock.nowMs();
  const occurredAtMs = occurredAt ?? nowMs;
  return judgeOccurredAt(occurredAtMs, nowMs, channel) ?? { ...rest, occurredAtMs, channel };
}

async function acceptJudged(
  deps: Deps,
  judged: readonly Judged[],
  traceparent: string,
): Promise<AcceptanceAnswer> {
  const known = await deps.findKnown(
    judged.flatMap((item) => (isRejection(item) ? [] : [item.articleId])),
  );
  const accepted: AcceptedEngagement[] = [];
  const rejections: AcceptanceAnswer["rejected"][number][] = [];
  const warnings: ({ readonly index: number } & Warning)[] = [];
  judged.forEach((item, index) => {
    if (isRejection(item)) rejections.push({ index, ...item });
    else if (!known.has(item.articleId)) rejections.push({ index, ...unknownArticle(item) });
    else {
      accepted.push(item);
      const warning = botWarning(deps.isBot, item);
      if (warning) warnings.push({ index, ...warning });
    }
  });
  if (accepted.length === 0) {
    const first = rejections[0];
    throw new Problem(
      400,
      "none-acceptable",
      "No engagement was acceptable",
      first ? `Engagement ${first.index}: ${first.detail}` : "Send at least one engagement.",
      { rejected: rejections },
    );
  }
  const acceptedAtMs = deps.clock.nowMs();
  const packs = packEngagements(accepted, limits.maxEventBytes);
  await deps.bus.publish(
    packs.map((engagements) => ({
      contract: engagementsAccepted,
      detail: { schemaVersion: 2, traceparent, acceptedAtMs, engagements },
    })),
  );
  return {
    accepted: accepted.length,
    rejected: rejections,
    ...(warnings.length > 0 && { warnings }),
  };
}

/** Of a user agent, what a warning repeats: enough to recognise it. */
const maxShownUserAgentBytes = 100;

function botWarning(isBot: IsBot, { userAgent, channel }: AcceptedEngagement): Warning | undefined {
  if (userAgent === undefined || !isBot(userAgent)) return undefined;
  const code: WarningCode = "bot";
  const shown = JSON.stringify(cutToBytes(userAgent, maxShownUserAgentBytes));
  const detail =
    channel === "token"
      ? `counted, but earns nothing: the request's User-Agent ${shown} is a known bot's; ` +
        "a server that reports for a reader sends the User-Agent of the reader's browser"
      : `counted, but earns nothing: userAgent ${shown} is a known bot's; ` +
        "send the User-Agent of the reader's browser, not your HTTP client's";
  return { code, detail };
}

function unknownArticle({ articleId }: AcceptedEngagement): Rejection {
  return rejected(
    "unknown_article",
    `article ${JSON.stringify(articleId)} is not registered; PUT /v1/articles/{articleId} first`,
  );
}
