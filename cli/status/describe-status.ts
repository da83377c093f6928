import { isRight } from "../proof/describe-proof.ts";
import { age, amountOf, grouped, pageWidth, table, wrapped } from "../text.ts";
import type { Alarm, Queue, Queues, Status } from "./read-status.ts";

/** Queues that are shown without being asked for: what waits longer than a batch takes to begin. */
const notable = { waiting: 100, oldestSeconds: 60 };

const isMetric = ({ kind }: Alarm): boolean => kind === "metric";

function lettersOpen({ items, schedules }: Queues): number {
  return [...items, ...schedules].reduce((sum, { deadLettersOpen }) => sum + deadLettersOpen, 0);
}

const known = ({ alarms }: Status): number =>
  Object.values(alarms.counts).reduce((sum, count) => sum + count, 0);

/** What is not well; nothing: all is. */
export function complaints(status: Status): string[] {
  const { alarms, queues, proof } = status;
  const [ringing, open] = [alarms.items.filter(isMetric).length, lettersOpen(queues)];
  const said = (count: number, one: string, more: string) =>
    count === 0 ? [] : [count === 1 ? one : `${grouped(count)} ${more}`];
  return [
    ...said(ringing, "an alarm rings", "alarms ring"),
    ...(known(status) === 0 ? ["no alarm is known"] : []),
    ...(queues.items.some(isRefusing) ? ["work is refused"] : []),
    ...said(open, "a dead letter is open", "dead letters are open"),
    ...(proof === undefined || isRight(proof) ? [] : ["money does not add up"]),
    // What was not seen may be anything.
    ...(queues.missing.length === 0 ? [] : ["not all could be seen"]),
  ];
}

/** Whether all is well comes first; then what is not. */
export function describeStatus(
  status: Status,
  { baseUrl, all, nowMs }: { baseUrl: string; all: boolean; nowMs: number },
): string[] {
  const { alarms, queues, proof } = status;
  const wrong = complaints(status);
  const next = [
    ...(lettersOpen(queues) > 0 ? ["Why letters died: npx pennyline dead-letters"] : []),
    ...(proof && !isRight(proof) ? ["What does not add up: npx pennyline proof"] : []),
    ...queues.missing.map((what) => `Not known: ${what}.`),
  ];
  return [
    wrong.length === 0
      ? `All is well: of ${amountOf(known(status), "alarm")} none rings, and no dead letter is open.`
      : `Not well: ${wrong.join(", ")}.`,
    `${baseUrl}, ${new Date(nowMs).toISOString().slice(11, 19)} UTC`,
    ...section(describeAlarms(alarms.items, nowMs)),
    ...section(queues.items.flatMap((queue) => describeRefused(queue, nowMs))),
    ...section(describeQueues(queues, all)),
    ...section(next),
  ];
}

/** What it comes to first; then each alarm with what it means and where to read on. */
export function describeAlarms(alarms: readonly Alarm[], nowMs: number): string[] {
  const sums = alarms.filter((alarm) => !isMetric(alarm) && isSumOfAll(alarm));
  return [
    ...sums.map(({ name, description }) => `${name}: ${description}`),
    ...alarms.filter(isMetric).flatMap((alarm) => describeAlarm(alarm, nowMs)),
  ];
}

/** Not only of an area: those are told of in the section of their sum. */
const isSumOfAll = ({ name, runbook }: Alarm): boolean => runbook?.endsWith(`#${name}`) === true;

function describeAlarm(alarm: Alarm, nowMs: number): string[] {
  const { name, state, since, description, reason, runbook } = alarm;
  const words = state === "alarm" ? "rings" : state;
  return [
    `${name}: ${words}, for ${age(nowMs - Date.parse(since))}`,
    ...[description, reason, ...(runbook === undefined ? [] : [runbook])]
      .filter((text) => text !== "")
      .flatMap((text) => wrapped(text, pageWidth - 2).map((line) => `  ${line}`)),
  ];
}

const isRefusing = ({ refused }: Queue): boolean => refused.length > 0;

/** What is not taken, because too much waits in a queue. */
function describeRefused({ queue, level, refused }: Queue, nowMs: number): string[] {
  if (refused.length === 0) return [];
  const since = Math.min(...refused.map((one) => Date.parse(one.since)));
  const what = refused.map(({ work }) => work).join(", ");
  return wrapped(`Refused for ${age(nowMs - since)}: ${what}; ${queue} is at ${level}.`);
}

/** @param all those in which nothing stands out, too. */
export function describeQueues({ items, schedules }: Queues, all: boolean): string[] {
  const shown = items.filter((queue) => all || standsOut(queue));
  const hidden = items.length - shown.length;
  const missed = schedules.filter(({ deadLettersOpen }) => all || deadLettersOpen > 0);
  const rows = [
    ...shown.map((queue) => [
      queue.queue,
      grouped(queue.waiting),
      grouped(queue.inFlight),
      queue.oldestSeconds === undefined ? "" : age(queue.oldestSeconds * 1_000),
      ...[queue.arrivedPerMinute, queue.donePerMinute].map((rate) =>
        rate === undefined ? "" : grouped(Math.round(rate)),
      ),
      grouped(queue.deadLettersOpen),
    ]),
    ...missed.map(({ name, deadLettersOpen }) => [
      ...[`${name} (schedule)`, "", "", "", "", ""],
      grouped(deadLettersOpen),
    ]),
  ];
  return [...table(columns, rows), ...(hidden === 0 ? [] : [quiet(hidden, rows.length > 0)])];
}

const columns = [
  { title: "queue" },
  { title: "waiting", right: true },
  { title: "in flight", right: true },
  { title: "oldest", right: true },
  { title: "in/min", right: true },
  { title: "done/min", right: true },
  { title: "dead letters", right: true },
];

function quiet(count: number, others: boolean): string {
  const which = others ? `${grouped(count)} other` : grouped(count);
  return `In ${which} ${count === 1 ? "queue" : "queues"} nothing stands out.`;
}

function standsOut(queue: Queue): boolean {
  const { waiting, oldestSeconds = 0, deadLettersOpen } = queue;
  return (
    deadLettersOpen > 0 ||
    isRefusing(queue) ||
    waiting >= notable.waiting ||
    oldestSeconds >= notable.oldestSeconds
  );
}

const section = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : ["", ...lines]);
