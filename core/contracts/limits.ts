/**
 * Every number that two parts of the system must agree on, with its unit in its name.
 * Stage settings may tighten some of them (see lib/settings.ts); none may be exceeded.
 */
export const limits = {
  /** HTTP body, in bytes. API Gateway allows 10 MB; nothing we accept needs it. */
  maxBodyBytes: 1_048_576,
  /** Arrays and objects in one another, in what others send: nothing that reads it runs out of stack. */
  maxJsonDepth: 50,
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
  /** Versions of rate card of one scope that may come into force in one UTC day: each adds lines. */
  maxRateCardsPerDay: 20,
  /** How far ahead a rate card may be scheduled: no version can come before it any more. */
  maxRateCardAheadMs: 366 * 86_400_000,
  /** Versions of shares, and of an own rate card, that one article or creator may have. */
  maxVersions: 100,
  /** Creators who share an article: each has a counter in the counting transaction. */
  maxCreatorsPerArticle: 10,
  /** Basis points of a whole: shares sum to this, a fee is at most this. */
  basisPoints: 10_000,
  /** Weights of reactions and comments, in percent of the kind's price. */
  maxWeightPercent: 1_000,
  /** Pseudonyms under which a creator reads. */
  maxReaderIdsOfCreator: 20,
  /** Daily amount of a pool: 1,000,000 units of the currency. */
  maxPoolMicros: 1_000_000_000_000,
  maxArticleGroups: 100,
  maxNoteBytes: 2_000,
  /** Largest amount booked by hand or paid out at once: a billion units of the currency. */
  maxAmountMicros: 1_000_000_000_000_000n,
  /** Payouts in one file: an answer of Lambda's is 6 MB at most, and one of them takes up to 2 KB. */
  maxPayoutsPerFile: 2_500,
  /** Days that a range of `from` and `to` may span. */
  maxRangeDays: 366,
  /** Creators, and articles, that a month's summary names. */
  maxTopEarners: 100,
  /** Days that one review may span. */
  maxReviewDays: 31,
  /** How long before its money is free a hold lasts at least; see `releaseHolds`. */
  minHoldDays: 1,
  /** How far ahead of the server's clock an `occurredAt` may lie. */
  maxAheadMs: 5 * 60_000,
  /** How long before its view token was issued a browser's engagement may lie: clocks differ. */
  maxBeforeTokenMs: 5 * 60_000,
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
  /** A view token that we issue is valid this long. */
  viewTokenTtlMs: 48 * 3_600_000,
  /** How long a view token that the publisher mints is honoured at most, whatever its `exp` says. */
  maxViewTokenAgeMs: 7 * 86_400_000,
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
  /** A worker gets a message this often; then it is a dead letter: poison, not unlucky. */
  maxReceives: 4,
  /** A job's payload as it is kept; longer text is a file. */
  maxJobPayloadBytes: 65_536,
  /** A body that holds a draft's text: JSON may write a byte of it as six. */
  maxJobBodyBytes: 3_000_000,
  /** One draft's text, as UTF-8. */
  maxDraftBytes: 1_048_576,
  /** Changes of a job that its record remembers; older ones are dropped. */
  maxJobChanges: 100,
  maxJobMessageBytes: 500,
  /** How long a long poll waits at most; API Gateway gives up after 30 s. */
  maxJobWaitMs: 25_000,
  /** How long a link to a file works. */
  fileLinkTtlMs: 15 * 60_000,
  /** How long a ticket to connect with works. */
  connectionTicketTtlMs: 60_000,
  /** How long a WebSocket lasts at most; API Gateway ends it then. */
  maxConnectionMs: 2 * 3_600_000,
  /** What one connection may follow. */
  maxSubscriptions: 100,
  /** A message of a client over a WebSocket. */
  maxSocketMessageBytes: 4_096,
  /** A message to a client over a WebSocket; API Gateway takes no more. */
  maxPushBytes: 131_072,
  /** A file that callers upload. */
  maxUploadBytes: 20_971_520,
  /** Of a picture that was uploaded: unpacked it takes four bytes for each. */
  maxImagePixels: 50_000_000,
  /** WebP's is 16,383. */
  maxImageSide: 16_000,
  /** Rows of a printed statement, about a hundred pages; the CSV file has every line. */
  maxStatementRows: 5_000,
  maxUrlBytes: 2_048,
  maxWebhookEndpoints: 20,
  /** How long secrets stay valid beside a new one, unless the caller says; and at most. */
  secretOverlapMs: 24 * 3_600_000,
  maxSecretOverlapMs: 7 * 24 * 3_600_000,
  /** Secrets of one endpoint that are valid at once: each adds a signature to each message. */
  maxSecrets: 4,
  webhookTimeoutMs: 15_000,
  /** What is read of a receiver's answer, and what is kept of it. */
  maxWebhookResponseBytes: 16_384,
  maxKeptResponseBytes: 1_024,
  webhookRetentionDays: 30,
  /** An export is deleted from the bucket after this. */
  exportTtlDays: 7,
  /** Followers in one chunk of a fan-out. */
  maxFollowersPerChunk: 200,
  /** What a notification says of an article beside its title. */
  maxExcerptBytes: 1_000,
  /** RFC 5321: a path of 256 with its angle brackets. */
  maxEmailAddressLength: 254,
  /** Who was told of an article is remembered this long: longer than anything is redelivered. */
  toldTtlDays: 90,
  inboxTtlDays: 365,
  /** How long SES may take to say that it sent an e-mail; then it did not. */
  mailFateMs: 5 * 60_000,
  /** A chunk whose last attempt ended without a word is given up this long after it began. */
  giveUpAfterMs: 15 * 60_000,
  /** An integration's own headers. */
  maxIntegrationHeaders: 10,
  /** Calls a second: beyond it a service wants its records in bulk. */
  maxIntegrationRate: 100,
  maxIntegrationTimeoutMs: 15_000,
  /** Calls of one integration at once: one that hangs must leave workers for the others. */
  maxCallsInFlight: 3,
  /** Calls that fail, of one job. */
  maxIntegrationCalls: 8,
  /** How long a job waits for its turn, or for a service that is down. */
  maxIntegrationWaitMs: 24 * 3_600_000,
  /** A part of a file that is written in parts, but for the last; S3 takes no smaller one. */
  minFilePartBytes: 5_242_880,
  /** Parts of one file (S3: 10,000); the record of the job holds a tag of each. */
  maxFileParts: 1_000,
  /** Steps of one trace that are read; there is no bound to what a caller sends under one trace id. */
  maxTraceSteps: 500,
  /** How long a request waits for its trace to be written; and a worker, or a run. */
  traceWriteMs: 500,
  traceWriteInBackgroundMs: 2_000,
  /** Dead letters that one request redrives or discards; more are a second request. */
  maxLettersAtOnce: 500,
  maxLetterEdits: 20,
  /** Dead letters sent back in a second: what broke is tried again gently, unless the caller says. */
  usualRedriveRate: 10,
  maxRedriveRate: 100,
  /** Callers that an edge function remembers: so many who ask for little, and so many others. */
  maxCallersRemembered: 10_000,
  /** How long a request waits to learn whether its caller may send it; then it may. */
  limitAnswerMs: 500,
  /** Of a body of engagements, for each unit of its sender's rate: some thirty of a publisher's. */
  engagementBytesPerUnit: 4_096,
  /** Creators named in one settlement event. */
  maxCreatorsPerSettlementEvent: 100,
} as const;
