import * as z from "zod";
import { day, monthSchema } from "./fields.ts";
import { articleIdSchema, creatorIdSchema } from "./ids.ts";
import { limits } from "./limits.ts";

import { publishArticleSchema } from "./notification-bodies.ts";

import type { Role } from "./routes.ts";
import { shownText } from "./shown-text.ts";

/** What every type of job says of itself, to the API, its rule and its worker. */
export interface JobTypeContract {
  /** What callers send as `payload`. One with a `creatorId` may be asked for by that creator. */
  readonly payload: z.ZodObject;
  /** Who may ask for it. */
  readonly allow: readonly Role[];
  /** `low`: it is refused first when too much is waiting. */
  readonly priority: "low" | "normal";
}

/** A caller's own name for a thing of theirs. */
const ownId = (name: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, `${name} must be 1 to 64 of A-Z, a-z, 0-9, _ and -`);

export const draftIdSchema = ownId("draftId").brand("DraftId");
export const integrationIdSchema = ownId("integrationId").brand("IntegrationId");
export const uploadIdSchema = z
  .string()
  .regex(/^[0-9a-f]{32}$/, "must be an uploadId, as POST /v1/uploads answered it")
  .brand("UploadId");

export type DraftId = z.infer<typeof draftIdSchema>;
export type IntegrationId = z.infer<typeof integrationIdSchema>;
export type UploadId = z.infer<typeof uploadIdSchema>;

/** Of a text that was sent for a draft. */
export const textIdSchema = z
  .string()
  .regex(/^[0-9a-f]{32}$/, "must be a textId, as a conflict's links name it")
  .brand("TextId");
export type TextId = z.infer<typeof textIdSchema>;

const utf8 = new TextEncoder();
/** Lines and tabs are text; other control characters would grow sixfold on their way. */
const draftText = z
  .string()
  .refine((text) => text.isWellFormed(), "must be well-formed Unicode")
  .refine(
    (text) => !/[^\P{Cc}\n\r\t]/u.test(text),
    "must not contain control characters other than line breaks and tabs",
  )
  .refine(
    (text) => utf8.encode(text).length <= limits.maxDraftBytes,
    `must be at most ${limits.maxDraftBytes} bytes as UTF-8; split the chapter`,
  );

const exportFormats = ["csv", "jsonl"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Every type of job. A line here, a folder in `lambdas/` and a line in `lib/stacks/jobs-stack.ts`. */
export const jobTypes = {
  "draft.save": {
    payload: z.strictObject({
      creatorId: creatorIdSchema,
      draftId: draftIdSchema,
      /** The revision that was edited; 0 for a new draft. */
      baseRevision: z.int("must be a whole number").nonnegative("must be 0 or more"),
      title: shownText("title", limits.maxTitleBytes).optional(),
      text: draftText,
    }),
    allow: ["creator", "publisher"],
    priority: "normal",
  },
  "notification.fanout": {
    payload: z.strictObject({ articleId: articleIdSchema, ...publishArticleSchema.shape }),
    allow: ["publisher"],
    priority: "normal",
  },
  "statement.render": {
    payload: z.strictObject({ creatorId: creatorIdSchema, month: monthSchema }),
    allow: ["creator", "publisher"],
    priority: "low",
  },
  "image.process": {
    payload: z.strictObject({ uploadId: uploadIdSchema }),
    allow: ["creator", "publisher"],
    priority: "normal",
  },
  "integration.sync": {
    payload: z.strictObject({
      integrationId: integrationIdSchema,
      data: z.record(z.string(), z.json()),
    }),
    allow: ["publisher"],
    priority: "normal",
  },
  "export.engagements": {
    payload: z.strictObject({
      creatorId: creatorIdSchema.optional(),
      from: day,
      to: day,
      format: z.enum(exportFormats, { error: "must be csv or jsonl" }).default("csv"),
    }),
    allow: ["creator", "publisher"],
    priority: "low",
  },
} as const satisfies Record<string, JobTypeContract>;

export type JobType = keyof typeof jobTypes;
export const jobTypeNames = Object.keys(jobTypes) as [JobType, ...JobType[]];
export const jobTypeSchema = z.enum(jobTypeNames, {
  error: `must be one of ${jobTypeNames.join(", ")}`,
});

/** A type's worker: its folder in `lambdas/`, its queue and what its alarms are called. */
export const workerOf = (type: JobType): string => `run-${type.replaceAll(".", "-")}`;

export const jobStates = ["accepted", "running", "succeeded", "failed", "cancelled"] as const;
export const finishedJobStates = ["succeeded", "failed", "cancelled"] as const;
export type JobState = (typeof jobStates)[number];
export type FinishedJobState = (typeof finishedJobStates)[number];
