/**
 * The layout of the tables, shared by the stack that creates them and the adapters that use them.
 * Attribute names are short because DynamoDB bills them by the byte on every write.
 */
export const tables = {
  /**
   * `<reader hash>#<utcDay>` / `<hash of article and kind>`: one item per impression key, the proof
   * that an engagement was counted or refused, and what became of it. `ttl` in seconds. Those of one
   * reader and day lie together, so that a reader's rate is one query.
   * `<reader hash>#<utcDay>` / `presented`: the requests that presented one token time and again.
   */
  impressionKeys: { partitionKey: "pk", sortKey: "sk", ttl: "ttl" },
  /**
   * `creator#<id>` / `<articleId>\t<utcDay>\t<shard>`: what was counted and how much of it is settled.
   * `tally#<shard>` / `total`: independent totals, for the proof.
   */
  earningsCounters: {
    partitionKey: "pk",
    sortKey: "sk",
    /**
     * Sparse: counters with something to settle carry `due`, a bucket number below `dueBuckets`.
     * One with nothing but held money waits under the number of the day on which its hold is over
     * (see `holdBucketOf`), one of a pool under that of the pool's day (see `poolBucketOf`).
     */
    dueIndex: { name: "due", partitionKey: "due", sortKey: "pk" },
  },
  /**
   * `creator#<id>` / `entry#<sequence>`, `account`, `payout#<sequence>`, `request#<request id>`,
   * `correction#<sequence>#<sequence>`; `payouts#open` / `<payout id>`; `payouts#runs` / `<month>`.
   */
  ledger: {
    partitionKey: "pk",
    sortKey: "sk",
    /** Sparse: accounts carry `bucket`, below `accountBuckets`. */
    accountIndex: { name: "accounts", partitionKey: "bucket", sortKey: "pk" },
    /** Sparse: payouts, and nothing else here, carry both a state and a time of request. */
    payoutIndex: { name: "payouts", partitionKey: "state", sortKey: "requestedAtMs" },
  },
  /**
   * `article#<id>` / `current`; `creator#<id>` / `current`; `rate-cards` / `version#<n>`;
   * `article-groups` / `<id>`; `article-group-numbers` / `<number>`; `reviews` / `<id>`,
   * `request#<request id>`; `reviews#<id>` / `segment#<n>`, `creator#<id>`; `appeals#<creator>` / `<id>`,
   * `request#<request id>`; `pools#<group>` / `<day>`; `pools#<group>#<day>` / `<plan>#<part>`;
   * `integrations` / `<id>`; `summaries` / `totals`, `top#<month>`.
   */
  registry: {
    partitionKey: "pk",
    sortKey: "sk",
    /**
     * The table's keys turned around: `current` / `article#<id>` and `creator#<id>` are the lists of
     * both. Other items are in it by their keys alone.
     */
    currentIndex: {
      ...{ name: "current", partitionKey: "sk", sortKey: "pk" },
      projected: [
        ...["articleId", "title", "terms", "publishedAtMs", "updatedAtMs"],
        ...["creatorId", "name", "readerIds", "payee"],
      ],
    },
  },
  /** Answers remembered by Idempotency-Key; layout of Powertools idempotency. */
  idempotency: { partitionKey: "id", ttl: "expiration" },
  /** `job#<id>` / `job`: the record, whole; every change of it is one conditional write. */
  jobs: {
    partitionKey: "pk",
    sortKey: "sk",
    ttl: "ttl",
    /** Each owner's, by when they were accepted. */
    ownerIndex: { name: "owner", partitionKey: "owner", sortKey: "listed" },
    /**
     * Sparse: jobs that somebody has to look at, by when, ms since the epoch. `attention` is a bucket
     * below `jobBuckets`.
     */
    attentionIndex: { name: "attention", partitionKey: "attention", sortKey: "attendAt" },
  },
  /**
   * `drafts#<creator>` / `<draft>`: the head; `draft#<creator>#<draft>` / `revision#<n>`,
   * `conflict#<text>`. Texts are files.
   */
  drafts: { partitionKey: "pk", sortKey: "sk" },
  /**
   * Who follows whom: `followers#<creator>#<shard>` / `<reader>`, how many: `follower-counts#<creator>`
   * / `<shard>`; who was told: `told#<hash of article>#<shard>` / `<hash of reader>#<channel>`;
   * `inbox#<reader>` / `<time>#<hash of article>`; how far a job has come: `fanout#<job>` / `plan`,
   * `chain#…`, `chunk#…`, `part#…`, `next#…`.
   */
  followers: { partitionKey: "pk", sortKey: "sk", ttl: "ttl" },
  /**
   * `endpoints#<owner>` / `<endpoint>`; `health#<owner>` / `<endpoint>`;
   * `deliveries#<owner>#<endpoint>` / `<time and hash>`; `body#<owner>#<delivery>` / `body`;
   * `line#<owner>#<endpoint>#<ordering key>` / `<time and hash>`: those that wait for each other.
   */
  webhooks: { partitionKey: "pk", sortKey: "sk", ttl: "ttl" },
  /**
   * `connection#<id>` / `connection`, `topic#<topic>`; `topic#<topic>` / `<connection id>`;
   * `ticket#<id>` / `ticket`: one that was used.
   */
  connections: { partitionKey: "pk", sortKey: "sk", ttl: "ttl" },
  /**
   * How fast is too fast: `limit#<name>` / `slot` (of callers: `limit#callers#caller#<hash>`,
   * `limit#callers#ip#<keyed hash>`); `pressure` / `pressure`: how full queues are;
   * `breaker#<name>` / `breaker`; `lease#<name>` / `lease`; `canary#probes` / `canary`;
   * `outcomes#<name>` / `<hour>`.
   */
  pacing: { partitionKey: "pk", sortKey: "sk", ttl: "ttl" },
  /** `trace#<trace id>` / `<time>#<span id>`: one step of a request's life. */
  traces: { partitionKey: "pk", sortKey: "sk", ttl: "ttl" },
  /**
   * `failure#<message>` / `failure`: why a delivery failed; `letter#<id>` / `letter`, and
   * `body#<edition>#<part>`: what it says; `redrive#<id>` / `redrive`; `audit` / `<time and hash>`.
   */
  deadLetters: {
    partitionKey: "pk",
    sortKey: "sk",
    ttl: "ttl",
    /** Letters by their state, newest last. */
    stateIndex: {
      ...{ name: "state", partitionKey: "box", sortKey: "listed" },
      projected: ["queue", "causeId", "errorClass", "message"],
    },
  },
} as const;

/** Buckets of the attention index: spreads its writes. */
export const jobBuckets = 16;

/** A creator's followers are spread over these, by a hash of the reader: each is worked on by itself. */
export const followerShards = 16;

/** Where files lie in the bucket, by what they are: grants are given for one of these. */
export const filePrefixes = {
  /** Texts of drafts, put there before a save is accepted. */
  drafts: "drafts/",
  /** What callers upload by a pre-signed URL; forgotten after a day. */
  uploads: "uploads/",
  images: "images/",
  statements: "statements/",
  exports: "exports/",
} as const;
export type FilePrefix = keyof typeof filePrefixes;

/** Buckets of the due index: spreads its writes, bounds the scheduler's queries. */
export const dueBuckets = 16;
/** Buckets of the account index: spreads its writes and the work of those who walk through it. */
export const accountBuckets = 16;
/** Shards of the tally: 80 counting transactions at once (10 workers, 8 lanes) seldom meet on one. */
export const tallyShards = 512;
/** The most shards one counter (article and day) may spread over when it is hot. */
export const maxCounterShards = 64;

/** Partitions of the ledger table that hold no money: what is on them may be changed and deleted. */
export const payoutLists = { open: "payouts#open", runs: "payouts#runs" } as const;
/** Beginnings of the registry's partitions that workers write, and not people's requests. */
export const reviewProgressPrefix = "reviews#";
/** How full queues are: the one item of the pacing table that accepting functions read. */
export const pressureItem = "pressure";
export const poolPlansPrefix = "pools#";
/** What the proof summed up on its way, for those who ask for sums. */
export const summariesPartition = "summaries";
/** What the publisher's jobs call: the only things in the registry that may be deleted. */
export const integrationsPartition = "integrations";
/** How limits of the API's callers are called, and where they lie: others are none of its business. */
export const callerLimitsPrefix = "callers#";
export const callerLimitPartitions = [`limit#${callerLimitsPrefix}*`] as const;
/** Who waits in a long poll: leases that only the function which reads jobs takes. */
export const longPollPartitions = ["lease#long-poll#*"] as const;
/** What workers note of deliveries that fail, in the table of dead letters. */
export const failuresPrefix = "failure#";
/** Each letter is a partition: workers say of those that were redriven what came of them. */
export const lettersPrefix = "letter#";
