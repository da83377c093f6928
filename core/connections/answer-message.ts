import type { CreatorId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import {
  socketActions,
  subscribeSchema,
  type Topic,
  unsubscribeSchema,
} from "../contracts/socket-messages.ts";
import type { Balance } from "../earnings/read-balance.ts";
import { readJob } from "../jobs/follow-job.ts";
import type { JobStore } from "../jobs/job-store.ts";
import { type Caller, ownerOf, requireSight } from "../perimeter/caller.ts";
import { parseJson } from "../perimeter/parse-json.ts";
import { problems } from "../perimeter/problem.ts";
import { validate } from "../perimeter/validate.ts";
import type { Connection, ConnectionStore } from "./connection-store.ts";
import { balanceUpdate, jobUpdate } from "./update.ts";

export interface AnswerDeps {
  readonly connections: Pick<ConnectionStore, "followed" | "follow" | "unfollow">;
  readonly jobs: Pick<JobStore, "read">;
  readonly readBalance: (creatorId: CreatorId) => Promise<Balance>;
}

/** Who sent a message. */
export interface Sender extends Pick<Connection, "connectionId" | "expiresAtMs"> {
  readonly caller: Caller;
}

const whole = "(message)";
const utf8 = new TextEncoder();

/**
 * @returns the text to send back.
 * @throws Problem 400, 404, 409 or 413 that says what to change; the connection stays.
 */
export async function answerMessage(
  deps: AnswerDeps,
  sender: Sender,
  body: string,
): Promise<string> {
  if (utf8.encode(body).length > limits.maxSocketMessageBytes) {
    throw problems.tooLarge(`Send at most ${limits.maxSocketMessageBytes} bytes.`);
  }
  const message = parseJson(body, limits.maxSocketMessageBytes, "message");
  switch (actionOf(message)) {
    case "subscribe":
      return await subscribe(deps, sender, message);
    case "unsubscribe": {
      const { topic, id } = validate(unsubscribeSchema, message, whole);
      await deps.connections.unfollow(sender.connectionId, { topic, id });
      return JSON.stringify({ type: "unsubscribed", topic, id });
    }
    default:
      throw problems.invalid(
        `action: must be ${socketActions.join(" or ")}, as in ` +
          '{"action":"subscribe","topic":"job","id":"…","after":1}.',
      );
  }
}

function actionOf(message: unknown): unknown {
  return typeof message === "object" && message !== null && "action" in message
    ? message.action
    : undefined;
}

/**
 * Written down first, read after: a change is in what is read or, being later, is pushed. So whoever
 * comes back with the version seen last misses nothing.
 */
async function subscribe(deps: AnswerDeps, sender: Sender, message: unknown): Promise<string> {
  const wanted = validate(subscribeSchema, message, whole);
  switch (wanted.topic) {
    case "job": {
      // Before it is followed, too: what others' jobs do must never be pushed.
      const owner = ownerOf(sender.caller);
      await readJob(deps.jobs, wanted.id, owner);
      await follow(deps, sender, wanted);
      return jobUpdate("subscribed", await readJob(deps.jobs, wanted.id, owner), wanted.after);
    }
    case "balance": {
      requireSight(sender.caller, wanted.id);
      await follow(deps, sender, wanted);
      return balanceUpdate("subscribed", await deps.readBalance(wanted.id));
    }
  }
}

async function follow(
  { connections }: AnswerDeps,
  sender: Sender,
  { topic, id }: Topic,
): Promise<void> {
  const others = (await connections.followed(sender.connectionId)).filter(
    (one) => one.topic !== topic || one.id !== id,
  );
  if (others.length >= limits.maxSubscriptions) {
    throw problems.conflict(
      "too-many-subscriptions",
      "This connection follows too much",
      `It follows ${others.length} topics; unsubscribe from some, or open another connection.`,
    );
  }
  await connections.follow(sender, { topic, id });
}
