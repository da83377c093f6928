import { deadLetters } from "./dead-letters/command.ts";
import { importLog } from "./import-log/command.ts";
import type { Command } from "./program/command.ts";
import { proof } from "./proof/command.ts";
import { redrive } from "./redrive/command.ts";
import { alarms, queues, status } from "./status/command.ts";
import { token } from "./token/command.ts";
import { viewTokenSecret } from "./token/view-token-secret.ts";
import { trace } from "./trace/command.ts";
import { webhookReceiver } from "./webhook-receiver/command.ts";

/** In the order in which help lists them. */
export const commands: readonly Command[] = [
  status,
  alarms,
  queues,
  ...deadLetters,
  ...redrive,
  trace,
  proof,
  importLog,
  token,
  viewTokenSecret,
  webhookReceiver,
];
