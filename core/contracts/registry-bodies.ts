import * as z from "zod";
import { accountFields } from "./bank.ts";
import { instant, range } from "./fields.ts";
import { articleGroupIdSchema, articleIdSchema, creatorIdSchema, readerIdSchema } from "./ids.ts";
import { commentLengths, reactionTypes } from "./kinds.ts";
import { limits } from "./limits.ts";
import { shownText } from "./shown-text.ts";

/** What the publisher registers: articles, creators, groups and rate cards. */

const basisPoints = z
  .int("must be a whole number of basis points")
  .min(1, "must be at least 1 basis point")
  .max(limits.basisPoints, "must be at most 10000 basis points");

const sharesSchema = z
  .array(z.strictObject({ creatorId: creatorIdSchema, basisPoints }))
  .min(1, "must name at least one creator")
  .max(limits.maxCreatorsPerArticle, `must be at most ${limits.maxCreatorsPerArticle} creators`)
  .superRefine((shares, context) => {
    const sum = shares.reduce((total, share) => total + share.basisPoints, 0);
    if (sum !== limits.basisPoints) {
      context.addIssue({
        code: "custom",
        message: `basisPoints must sum to ${limits.basisPoints}, these sum to ${sum}`,
      });
    }
    if (new Set(shares.map(({ creatorId }) => creatorId)).size < shares.length) {
      context.addIssue({ code: "custom", message: "must name each creator once" });
    }
  });

const articleFields = {
  title: shownText("title", limits.maxTitleBytes),
  /** One creator who gets it all, or several with their shares: exactly one of the two. */
  creatorId: creatorIdSchema.optional(),
  shares: sharesSchema.optional(),
  group: articleGroupIdSchema.optional(),
  publishedAt: instant.optional(),
};
const eitherCreatorOrShares = { error: "send either creatorId or shares", path: ["shares"] };

export const putArticleSchema = z
  .strictObject(articleFields)
  .refine(
    (body) => (body.creatorId === undefined) !== (body.shares === undefined),
    eitherCreatorOrShares,
  );

/** A PATCH changes the fields that it names, each whole; null removes one that may be missing. */
export const patchArticleSchema = z
  .strictObject({
    ...articleFields,
    title: articleFields.title.optional(),
    publishedAt: instant.nullish(),
  })
  .refine(
    (body) => body.creatorId === undefined || body.shares === undefined,
    eitherCreatorOrShares,
  );

/** Whom a bank pays, or who pays. */
export const payeeSchema = z.strictObject({
  name: shownText("name", 140),
  ...accountFields,
});

/** Of a PUT and of a PATCH, which differ in what becomes of a field that is left out; null removes one. */
export const putCreatorSchema = z.strictObject({
  name: shownText("name", limits.maxTitleBytes).nullish(),
  /** Pseudonyms under which the creator reads: engagements of theirs with own articles are void. */
  readerIds: z
    .array(readerIdSchema)
    .max(limits.maxReaderIdsOfCreator, `must be at most ${limits.maxReaderIdsOfCreator} pseudonyms`)
    .nullish(),
  /** Whom the payout file pays. */
  payee: payeeSchema.nullish(),
});
export const patchCreatorSchema = putCreatorSchema;

const price = z
  .int("must be a whole number of micros")
  .min(0, "must not be negative")
  .max(limits.maxPriceMicros, `must be at most ${limits.maxPriceMicros} micros`);

const weight = z
  .int("must be a whole number of percent")
  .min(0, "must not be negative")
  .max(limits.maxWeightPercent, `must be at most ${limits.maxWeightPercent} percent`);

const weightsOf = <Name extends string>(names: readonly Name[]) =>
  z.strictObject(
    Object.fromEntries(names.map((name) => [name, weight.default(100)])) as Record<
      Name,
      z.ZodDefault<typeof weight>
    >,
  );

const rateCardFields = {
  currency: z.string().regex(/^[A-Z]{3}$/, "must be an ISO 4217 code, like USD"),
  micros: z.strictObject({
    view: price,
    read: price,
    reaction: price,
    comment: price,
    search_visit: price,
  }),
  // Left out these are as on the default card, unless the version before has others: see `publishRateCard`.
  /** In percent of the kind's price. */
  weights: z
    .strictObject({
      reaction: weightsOf(reactionTypes).prefault({}),
      comment: weightsOf(commentLengths).prefault({}),
    })
    .optional(),
  /** The publisher's part of every price. */
  feeBasisPoints: z
    .int("must be a whole number of basis points")
    .min(0, "must not be negative")
    .max(limits.basisPoints, "must be at most 10000 basis points")
    .optional(),
  /** Comments of one reader that earn something, each UTC day. */
  commentsPerReader: z.int().min(0).max(1_000).optional(),
};

const cardScope = z.union(
  [
    z.strictObject({ articleId: articleIdSchema }),
    z.strictObject({ creatorId: creatorIdSchema }),
    z.literal("publisher"),
  ],
  { error: 'must be "publisher", {"articleId": …} or {"creatorId": …}' },
);

/** In force from now on. */
export const putRateCardSchema = z.strictObject(rateCardFields);

export const publishRateCardSchema = z
  .strictObject({
    ...rateCardFields,
    /** An article's own card goes before its creator's, that before the publisher's. */
    scope: cardScope.default("publisher"),
    /** Default: now. */
    effectiveFrom: instant.optional(),
  })
  // Left out by mistake it would give away the publisher's part of everything under this card.
  .refine((card) => card.scope === "publisher" || card.feeBasisPoints !== undefined, {
    error: "must be said on an own card: it does not inherit the publisher's (0 for none)",
    path: ["feeBasisPoints"],
  });

export const dryRunRateCardSchema = z.strictObject({
  ...range,
  card: z.strictObject({ ...rateCardFields, scope: cardScope.default("publisher") }),
});

export const putArticleGroupSchema = z.discriminatedUnion("model", [
  z.strictObject({ model: z.literal("rates") }),
  z.strictObject({
    model: z.literal("pool"),
    dailyMicros: z
      .int("must be a whole number of micros")
      .min(1, "must be at least 1 micro")
      .max(limits.maxPoolMicros, `must be at most ${limits.maxPoolMicros} micros`),
    /** The weight that one reader can give in a day; a view of the default card weighs 1000. */
    readerCap: z.int("must be a whole number").min(1).max(limits.maxPriceMicros),
  }),
]);
