import { kindsOfWork } from "../contracts/queued-work.ts";
import { Problem } from "../perimeter/problem.ts";
import type { Refusal } from "./pressure.ts";

/** The 429 that says why: nothing was accepted, so sending it again later is always right. */
export function refusalProblem(
  { kind, queue, pressure, sinceMs }: Refusal,
  retryAfterSeconds: number,
  random: () => number,
): Problem {
  const { waiting, oldestSeconds, level } = pressure;
  const since = new Date(sinceMs).toISOString();
  const first = kindsOfWork[kind].queues.includes(queue) ? "" : " Money comes first:";
  const age = oldestSeconds === undefined ? "" : `, the oldest for ${oldestSeconds} s`;
  const detail =
    `No more ${kind} is taken for now.${first} ${waiting} messages wait in ${queue}${age}, and it has ` +
    `been too much since ${since}. Nothing was accepted; send it again later.`;
  return new Problem(429, "too-much-waiting", "Too much is waiting", detail, {
    backlog: { work: kind, queue, level, waiting, oldestSeconds, since },
    retryAfterSeconds: spread(retryAfterSeconds, random),
  });
}

/** Whole seconds, up to twice as many: those who were refused at once must not come back at once. */
function spread(seconds: number, random: () => number): number {
  return seconds + Math.floor(seconds * random());
}
