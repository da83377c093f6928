import * as z from "zod";
import { callerText } from "./ids.ts";
import { limits } from "./limits.ts";
import { pageQuerySchema } from "./queries.ts";
import { shownText } from "./shown-text.ts";

export const letterIdSchema = z
  .string()
  .regex(/^[0-9a-f-]{36}$/, "letterId must be one that a list answered");

/** `waiting`: it was redriven, and nobody has said yet what came of it. */
export const letterStates = ["open", "waiting", "succeeded", "discarded"] as const;
const letterState = z.enum(letterStates, {
  error: "must be open, waiting, succeeded or discarded",
});
/** A queue without the stage's prefix, such as `count-engagements-dead-letters`. */
const queue = callerText("queue", 100);
const cause = z.string().regex(/^[0-9a-f]{16}$/, "must be a causeId, as groups answer it");
/** Why: it is kept with the letter, and in the audit trail. */
const note = shownText("note", limits.maxNoteBytes);

export const deadLettersQuerySchema = z.strictObject({
  state: letterState.default("open"),
  ...{ queue: queue.optional(), cause: cause.optional() },
  ...pageQuerySchema.shape,
});
export const letterGroupsQuerySchema = z.strictObject({
  state: letterState.default("open"),
  queue: queue.optional(),
});

const selected = {
  letterIds: z.array(letterIdSchema).min(1).max(limits.maxLettersAtOnce).optional(),
  cause: cause.optional(),
  queue: queue.optional(),
};
const oneSelection = {
  test: ({ letterIds, cause: by, queue: of }: z.infer<z.ZodObject<typeof selected>>) =>
    (letterIds !== undefined) !== (by !== undefined || of !== undefined),
  message: "name letterIds, or a cause, a queue or both",
};
export const redriveSchema = z
  .strictObject({
    ...selected,
    ratePerSecond: z.int().min(1).max(limits.maxRedriveRate).default(limits.usualRedriveRate),
    note,
  })
  .refine(oneSelection.test, oneSelection.message);
export const discardSchema = z
  .strictObject({ ...selected, note })
  .refine(oneSelection.test, oneSelection.message);

/** What is shown masked is sent back as it is shown, and stays what it was. */
export const editBodySchema = z.strictObject({ body: z.json(), note });
