import { ago, amountOf, asJson, grouped, pairs, table } from "../text.ts";
import type { Audit, Groups, Letters, WholeLetter } from "./letters.ts";

const longestMessage = 100;

/** Why messages died, those with most first. */
export function describeGroups({ items, complete }: Groups, nowMs: number): string[] {
  if (items.length === 0) return ["None."];
  const rows = items.map(({ cause, count, newest, queues, errorClass, message }) => [
    cause,
    grouped(count),
    ago(newest.archivedAt, nowMs),
    newest.letterId,
    `${queues.join(", ")}: ${clipped(`${errorClass}: ${message}`)}`,
  ]);
  return [
    ...table(
      [
        { title: "cause" },
        { title: "letters", right: true },
        { title: "newest", right: true },
        { title: "letter" },
        { title: "queue and error" },
      ],
      rows,
    ),
    ...(complete ? [] : ["There are more letters than are counted at once: these are the newest."]),
  ];
}

export function describeLetters({ items, nextCursor }: Letters, nowMs: number): string[] {
  if (items.length === 0) return ["None."];
  const rows = items.map(({ letterId, state, queue, attempts, archivedAt, ...letter }) => [
    letterId,
    state,
    ago(archivedAt, nowMs),
    grouped(attempts),
    queue,
    clipped(`${letter.errorClass}: ${letter.message}`),
  ]);
  return [
    ...table(
      [
        { title: "letter" },
        { title: "state" },
        { title: "archived", right: true },
        { title: "attempts", right: true },
        { title: "queue" },
        { title: "error" },
      ],
      rows,
    ),
    ...(nextCursor === undefined ? [] : [`There are more: --cursor ${nextCursor}`]),
  ];
}

/** One letter: what it is, its body, and what was done with it. */
export function describeLetter(letter: WholeLetter): string[] {
  const { letterId, state, queue, source, attempts, redrives, history, body, original } = letter;
  const optional = (name: string, value: string | undefined) =>
    value === undefined ? [] : [[name, value] as const];
  return [
    ...pairs([
      ["letter", letterId],
      ["state", state],
      ["queue", `${queue}, of ${source}`],
      ["error", `${letter.errorClass}: ${letter.message}`],
      ["cause", letter.cause],
      ["attempts", `${grouped(attempts)}, redriven ${amountOf(redrives, "time")}`],
      ["first sent", letter.firstSentAt],
      ...optional("failed", letter.failedAt),
      ["archived", letter.archivedAt],
      ...optional("trace", letter.traceId),
      ...optional("new job", letter.jobId),
      ...optional("forgotten", letter.expiresAt),
    ]),
    "",
    "History",
    ...table(
      [{ title: "at" }, { title: "what" }, { title: "" }],
      history.map(({ at, what, by, note, cause }) => [
        at,
        what,
        [
          ...(by === undefined ? [] : [by]),
          ...(note === undefined ? [] : [JSON.stringify(note)]),
          ...(cause === undefined ? [] : [clipped(`${cause.errorClass}: ${cause.message}`)]),
        ].join("  "),
      ]),
    )
      .slice(1)
      .map((line) => `  ${line}`),
    "",
    letter.edited ? "Body, edited" : "Body",
    ...asJson(body).split("\n"),
    ...(original === undefined ? [] : ["", "Body as it came", ...asJson(original).split("\n")]),
  ];
}

export function describeAudit({ items, nextCursor }: Audit): string[] {
  if (items.length === 0) return ["None."];
  const rows = items.map(({ at, by, action, letterIds, note, redriveId }) => [
    at,
    by,
    action,
    letterIds.length === 1 ? (letterIds[0] ?? "") : amountOf(letterIds.length, "letter"),
    `${JSON.stringify(note)}${redriveId === undefined ? "" : `  redrive ${redriveId}`}`,
  ]);
  return [
    ...table(
      [{ title: "at" }, { title: "by" }, { title: "did" }, { title: "with" }, { title: "why" }],
      rows,
    ),
    ...(nextCursor === undefined ? [] : [`There are more: --cursor ${nextCursor}`]),
  ];
}

function clipped(text: string): string {
  return text.length <= longestMessage ? text : `${text.slice(0, longestMessage - 1)}…`;
}
