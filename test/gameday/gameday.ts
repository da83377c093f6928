/**
 * A bad day, played on the embedded cloud: six faults, what the operator sees of each and does about
 * it, and the proof that nothing was lost. Run: npm run gameday
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { duration, grouped, pairs, table, wrapped } from "../../cli/text.ts";
import { closeDay } from "./close-day.ts";
import type { Day, Round } from "./day.ts";
import { openDay } from "./open-day.ts";
import { badDeploy } from "./rounds/bad-deploy.ts";
import { deadPartner } from "./rounds/dead-partner.ts";
import { hungWorker } from "./rounds/hung-worker.ts";
import { kill9 } from "./rounds/kill-9.ts";
import { poisonMessages } from "./rounds/poison-messages.ts";
import { viralSpike } from "./rounds/viral-spike.ts";
import { minuteMs } from "./setting.ts";
import { startSteadyLoad } from "./steady-load.ts";
import { clock, createStory, type Times } from "./story.ts";
import { NotReached } from "./until.ts";

/** Those in one row are played at the same time; each is told when it is over. */
const program: readonly (readonly Round[])[] = [
  [viralSpike],
  [deadPartner, poisonMessages, hungWorker, badDeploy],
  [kill9],
];

/** Of everything: some three minutes where nobody else works, more where somebody does. */
const longestMs = 12 * 60_000;

const startedMs = Date.now();
const print = (line = "") => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, keep: { type: "boolean", default: false } },
});
const names = program.flat().map(({ name }) => name);
const unknown = values.only?.filter((name) => !names.includes(name)) ?? [];
if (unknown.length > 0) {
  print(`there is no round ${unknown.join(", ")}; there are ${names.join(", ")}`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "pennyline-gameday-"));
let day: Day | undefined;
let isWell = false;
try {
  print(`A game day: a minute lasts ${minuteMs / 1_000} s. Sources, data and logs: ${folder}`);
  day = await openDay(folder, startedMs + longestMs);
  print(`${clock(Date.now() - startedMs)}  npm start answers; readers and publishers come and go.`);
  isWell = await play(day, values.only);
} catch (error) {
  const { message, stack } = error as Error;
  print(`\n${clock(Date.now() - startedMs)}  ${error instanceof NotReached ? message : stack}`);
} finally {
  if (isWell) await day?.program.stop();
  else await day?.program.kill();
  const took = clock(Date.now() - startedMs).slice(1);
  print(`\n${isWell ? "Nothing was lost" : "FAILED"}, in ${took}.`);
  if (isWell && !values.keep) rmSync(folder, { recursive: true, force: true });
  else print(`What npm start said: ${join(folder, "npm-start.log")}`);
}
process.exit(isWell ? 0 : 1);

async function play(day: Day, only: readonly string[] | undefined): Promise<boolean> {
  const load = startSteadyLoad(day.clients);
  const times: [Round, Times][] = [];
  for (const rounds of program) {
    const asked = rounds.filter(({ name }) => only === undefined || only.includes(name));
    if (asked.length > 1) print(`\nAt the same time: ${asked.map(({ name }) => name).join(", ")}.`);
    const told = asked.map((round) => tell(day, round, asked.length > 1));
    // The first that fails is told at once; the others are of no use then.
    times.push(...(await Promise.all(told)));
  }
  await load.stop();
  return await prove(day, times);
}

/** Plays a round. What is played beside others is told whole, once it is over. */
async function tell(day: Day, round: Round, later: boolean): Promise<[Round, Times]> {
  const lines: string[] = [];
  const line = (text: string) => (later ? void lines.push(text) : print(text));
  line(`\n=== ${round.name}`);
  for (const text of wrapped(round.what, 100)) line(text);
  const { board, until } = day;
  const story = createStory({ board, until, startedMs, print: line });
  try {
    await round.play(day, story);
  } catch (error) {
    throw Object.assign(error as Error, { message: `${round.name}: ${(error as Error).message}` });
  } finally {
    for (const text of lines) print(text);
  }
  return [round, story.times];
}

async function prove(day: Day, times: readonly [Round, Times][]): Promise<boolean> {
  print("\n=== the proof");
  const { books, wrong } = await closeDay(day, (command, screen) => {
    for (const text of [`$ ${command}`, ...screen]) print(`  ${text.slice(0, 140)}`);
  });
  const { sent, accepted, refused, discarded } = day.oracle.totals;
  const { command, lines, exitCode } = await day.operator.run("proof");
  if (exitCode !== 0) wrong.push(`${command} ended with ${exitCode}`);
  const account = pairs([
    ["sent", `${grouped(sent)}, of which ${grouped(refused)} of an unknown article were refused`],
    ["accepted (202)", grouped(accepted)],
    ["  counted, each once", grouped(books.counted)],
    ["  discarded with a reason", `${grouped(books.discarded)} (expected: ${grouped(discarded)})`],
    ["  in open dead letters", grouped(books.open)],
    ["  rejected", grouped(books.rejected)],
  ]);
  const page = [`$ ${command}`, ...lines, "", ...account, "", ...tableOf(times)];
  for (const text of [...page, ...wrong.map((what) => `WRONG: ${what}`)]) print(`  ${text}`);
  return wrong.length === 0;
}

function tableOf(times: readonly [Round, Times][]): string[] {
  const columns = [
    { title: "fault" },
    { title: "noticed by" },
    { title: "after", right: true },
    { title: "repaired after", right: true },
    { title: "recovered after", right: true },
  ];
  const rows = times.map(
    ([{ name }, { faultMs, noticedMs, noticedBy, repairedMs, recoveredMs }]) => {
      const after = (ms: number) => duration(Math.round(ms - faultMs));
      return [name, noticedBy, after(noticedMs), after(repairedMs), after(recoveredMs)];
    },
  );
  return table(columns, rows);
}
