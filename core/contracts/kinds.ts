/** What a reader can do that earns a creator money, in the order of the public API. */
export const engagementKinds = ["view", "read", "reaction", "comment", "search_visit"] as const;
export type EngagementKind = (typeof engagementKinds)[number];

/** What a reaction can be; a rate card weighs each. One without a type is a `like`. */
export const reactionTypes = ["like", "love", "clap", "insightful", "save"] as const;
export type ReactionType = (typeof reactionTypes)[number];

/** How long a comment is, in characters: `short` below 80, `long` from 400 on. */
export const commentLengths = ["short", "medium", "long"] as const;
export type CommentLength = (typeof commentLengths)[number];

export const moderationStates = ["pending", "approved", "rejected"] as const;
export type ModerationState = (typeof moderationStates)[number];

/** A kind as it is priced: a reaction by its type, a comment by its length. */
export const pricedKinds = [
  "view",
  "read",
  ...reactionTypes.map((type) => `reaction:${type}` as const),
  ...commentLengths.map((length) => `comment:${length}` as const),
  "search_visit",
] as const;
export type PricedKind = (typeof pricedKinds)[number];

export function kindOf(priced: PricedKind): EngagementKind {
  return priced.split(":")[0] as EngagementKind;
}

/** Why an engagement's money waits. It becomes payable after the hold period, unless voided. */
export const holdReasons = ["over_rate", "token_reuse", "unmoderated"] as const;
export type HoldReason = (typeof holdReasons)[number];

/** Why an engagement earns nothing. */
export const voidReasons = [
  "bot",
  "self_view",
  "comment_rejected",
  "reader_cap",
  "over_rate",
  "token_reuse",
  "unmoderated",
  "manual",
] as const;
export type VoidReason = (typeof voidReasons)[number];

/** How a follower is told of an article. */
export const notificationChannels = ["email", "webPush", "inbox"] as const;
export type NotificationChannel = (typeof notificationChannels)[number];
/** Those that somebody else delivers. */
export type ProvidedChannel = Exclude<NotificationChannel, "inbox">;

/** What pays for an article: a price for each engagement, or its part of a daily amount. */
export const models = ["rates", "pool"] as const;
export type Model = (typeof models)[number];
