/**
 * The layout of the tables, shared by the stack that creates them and the adapters that use them.
 * Attribute names are short because DynamoDB bills them by the byte on every write.
 */
export const tables = {
  /** One item per impression key; `ttl` in seconds. Proof that an engagement was counted or refused. */
  impressionKeys: { partitionKey: "pk", ttl: "ttl" },
  /**
   * `creator#<id>` / `<articleId>\t<utcDay>\t<shard>`: what was counted and how much of it is settled.
   * `tally#<shard>` / `total`: independent totals, for the proof.
   */
  earningsCounters: {
    partitionKey: "pk",
    sortKey: "sk",
    /** Sparse: only counters with something to settle carry `due` (a bucket number). */
    dueIndex: { name: "due", partitionKey: "due", sortKey: "pk" },
  },
  /** `creator#<id>` / `entry#<sequence>` or `account`. */
  ledger: { partitionKey: "pk", sortKey: "sk" },
  /** `article#<id>` / `current`; `rate-cards` / `version#<n>`. */
  registry: { partitionKey: "pk", sortKey: "sk" },
  /** Answers remembered by Idempotency-Key; layout of Powertools idempotency. */
  idempotency: { partitionKey: "id", ttl: "expiration" },
} as const;

/** Buckets of the due index: spreads its writes, bounds the scheduler's queries. */
export const dueBuckets = 16;
/** Shards of the tally: 80 counting transactions at once (10 workers, 8 lanes) seldom meet on one. */
export const tallyShards = 512;
/** The most shards one counter (article and day) may spread over when it is hot. */
export const maxCounterShards = 64;
