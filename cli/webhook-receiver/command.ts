import { UsageError } from "../../local/cli/options.ts";
import {
  command,
  exitCodes,
  noWords,
  type OptionSpecs,
  type ValuesOf,
  wholeNumber,
} from "../program/command.ts";
import { type ReceiverOptions, receive } from "./receive.ts";

const secretPattern = /^whsec_[A-Za-z0-9+/]+=*$/;

export const options = {
  secret: {
    type: "string",
    multiple: true,
    value: "whsec_…",
    text: "what messages are signed with; once for each secret that is valid",
  },
  port: {
    type: "string",
    value: "N",
    text: "where it listens, on 127.0.0.1 (default 4500; 0: any that is free)",
  },
  status: {
    type: "string",
    value: "N",
    text: "what it answers (default 200): 500 is tried again, 410 disables the endpoint",
  },
  delay: {
    type: "string",
    value: "SECONDS",
    text: "how long it takes to answer (default 0): from 15 on it is given up",
  },
  count: { type: "string", value: "N", text: "stop after so many messages" },
} as const satisfies OptionSpecs;

/** @throws UsageError that says what to change. */
export function readOptions(values: ValuesOf<typeof options>): ReceiverOptions {
  const { secret: secrets = [], port = "4500", status = "200", delay = "0", count } = values;
  if (!secrets.every((secret) => secretPattern.test(secret))) {
    throw new UsageError("--secret must be a secret as it was shown: whsec_ and what follows");
  }
  return {
    port: wholeNumber("port", port, 0, 65_535),
    secrets,
    status: wholeNumber("status", status, 200, 599),
    delayMs: wholeNumber("delay", delay, 0, 3_600) * 1_000,
    count: count === undefined ? undefined : wholeNumber("count", count, 1, 1_000_000),
  };
}

export const webhookReceiver = command({
  name: "webhook-receiver",
  summary: "Receives webhooks, to try them out, and tells whether signatures are right.",
  usage: ["[options]"],
  about: [
    "A message whose signature is wrong is answered with 401. Without --secret nothing is verified.",
  ],
  options,
  exits: "0 when it was stopped.",
  read({ words, values }) {
    noWords(words);
    const wanted = readOptions(values);
    return async ({ print, untilStopped }) => {
      await receive(wanted, print, untilStopped());
      return exitCodes.yes;
    };
  },
});
