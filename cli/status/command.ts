import { setTimeout as sleep } from "node:timers/promises";
import { type AdminIo, type Answer, adminCommand } from "../api/admin-command.ts";
import { exitCodes, noWords } from "../program/command.ts";
import { Unanswered } from "../program/unanswered.ts";
import { complaints, describeAlarms, describeQueues, describeStatus } from "./describe-status.ts";
import { readAlarms, readQueues, readStatus } from "./read-status.ts";

/** Admin routes take a request a second; numbers of queues change no faster. */
const refreshMs = 10_000;

export const status = adminCommand({
  name: "status",
  summary: "Tells whether all is well: what rings, waits too long, is refused or dead.",
  usage: ["[options]"],
  about: [
    'With --json: {"ok": true or false, "alarms": as GET /v1/admin/alarms answers, "queues": as GET ' +
      '/v1/admin/queues does, and with --proof "proof"}.',
  ],
  options: {
    all: { type: "boolean", text: "every queue, not only those that stand out" },
    proof: { type: "boolean", text: "check the books, too, which reads whole tables" },
    watch: { type: "boolean", text: "look again every 10 seconds, until Ctrl-C" },
  },
  exits:
    "0 when all is well, 1 when an alarm rings or none is known, work is refused, a dead letter is " +
    "open, money does not add up, or not all could be seen.",
  read({ words, values: { all = false, proof = false, watch = false } }) {
    noWords(words);
    return async (api, io) => {
      const look = async (): Promise<Answer> => {
        const { value, raw } = await readStatus(api, { proof });
        const ok = complaints(value).length === 0;
        const lines = describeStatus(value, { baseUrl: io.baseUrl, all, nowMs: Date.now() });
        return { lines, raw: { ok, ...raw }, exitCode: ok ? exitCodes.yes : exitCodes.no };
      };
      return watch ? await lookAgain(look, io) : await look();
    };
  },
});

async function lookAgain(look: () => Promise<Answer>, io: AdminIo): Promise<Answer> {
  const stop = io.untilStopped();
  let seen = await look();
  while (!stop.aborted) {
    io.clear();
    io.show({ ...seen, lines: [...seen.lines, ""] });
    await sleep(refreshMs, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) break;
    try {
      seen = await look();
    } catch (error) {
      // It may be back at the next look.
      if (!(error instanceof Unanswered)) throw error;
      io.note(error.message);
    }
  }
  return { ...seen, shown: true };
}

export const alarms = adminCommand({
  name: "alarms",
  summary: "Lists the alarms that ring, since when, and what they mean.",
  usage: ["[options]"],
  options: {
    state: {
      type: "string",
      value: "STATE",
      text: "alarm (default), ok, insufficient-data or any",
    },
  },
  exits: "0 when none rings, 1 when one does.",
  read({ words, values: { state = "alarm" } }) {
    noWords(words);
    return async (api) => {
      const { value, raw } = await readAlarms(api, state);
      const ringing = value.items.some((alarm) => alarm.state === "alarm");
      const lines = value.items.length === 0 ? ["None."] : describeAlarms(value.items, Date.now());
      return { lines, raw, exitCode: ringing ? exitCodes.no : exitCodes.yes };
    };
  },
});

export const queues = adminCommand({
  name: "queues",
  summary: "Lists what waits in each worker's queue, since when, and what of it is dead.",
  usage: ["[options]"],
  options: {},
  exits: "0 when they are listed, whatever waits in them.",
  read({ words }) {
    noWords(words);
    return async (api) => {
      const { value, raw } = await readQueues(api);
      return { lines: describeQueues(value, true), raw };
    };
  },
});
