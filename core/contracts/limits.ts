/**
 * Every number that two parts of the system must agree on, with its unit in its name.
 * Stage settings may tighten some of them (see lib/settings.ts); none may be exceeded.
 */
export const limits = {
  /** HTTP body, in bytes. API Gateway allows 10 MB; nothing we accept needs it. */
  maxBodyBytes: 1_048_576,
  /** Engagements in one request. */
  maxBatchEngagements: 500,
  /** One EventBridge entry, in bytes (AWS: 1 MB for a request; the rest is for the envelope). */
  maxEventBytes: 900_000,
  /** Entries in one PutEvents call. */
  maxPutEventsEntries: 10,
  /** Actions in one TransactWriteItems call. */
  maxTransactionActions: 100,
  /** Counters that one ledger entry drains: the transaction also writes the entry and a balance. */
  maxCountersPerEntry: 96,
  /** Lines of one ledger entry: with ids of full length they stay below an item's 400 KB. */
  maxLinesPerEntry: 400,
  /**
   * Rate cards that may come into force in one UTC day. A counter holds a line for each kind and
   * card of its day, and must fit into one entry: 5 x (50 + 1) < 400.
   */
  maxRateCardsPerDay: 50,
  /** How far ahead of the server's clock an `occurredAt` may lie. */
  maxAheadMs: 5 * 60_000,
  /** How old an engagement may be when a browser reports it. */
  maxBrowserAgeMs: 48 * 3_600_000,
  /** How old an engagement may be when the publisher reports it. */
  maxPublisherAgeMs: 35 * 86_400_000,
  /** SQS keeps a message, and a DLQ a dead one, this many days (SQS allows 14). */
  queueRetentionDays: 10,
  dlqRetentionDays: 14,
  /** Redriving within SQS restarts no clock; this is the time an operator has on top. */
  redriveAllowanceDays: 7,
  /**
   * How long an impression key outlives the day it belongs to. It must exceed the oldest
   * engagement accepted + rule DLQ + queue + DLQ + redrive, or a late redelivery would be refused.
   */
  dedupeTtlDays: 90,
  /** A view token is valid this long. */
  viewTokenTtlMs: 48 * 3_600_000,
  /** How long an Idempotency-Key is remembered. */
  idempotencyTtlMs: 24 * 3_600_000,
  maxIdempotencyKeyLength: 255,
  /** Ids that callers choose. */
  maxArticleIdBytes: 512,
  maxCreatorIdBytes: 256,
  maxReaderIdBytes: 128,
  /** Other text of theirs. */
  maxTitleBytes: 1_000,
  maxReferrerBytes: 2_048,
  maxUserAgentBytes: 1_024,
  /** Article ids that an edge function remembers as registered, in each environment. */
  maxKnownArticles: 20_000,
  /** The largest price of one engagement: 1,000 units of the currency. */
  maxPriceMicros: 1_000_000_000,
  /** Creators named in one settlement event. */
  maxCreatorsPerSettlementEvent: 100,
} as const;
