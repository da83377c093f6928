import { UsageError } from "../../local/cli/options.ts";

export interface ReceiverOptions {
  readonly port: number;
  readonly secrets: readonly string[];
  readonly status: number;
  readonly delayMs: number;
  /** Stop after so many messages; none: go on. */
  readonly count: number | undefined;
}

export const help = `Receives webhooks, for trying them out: shows each, and whether its signature is right.

  npm run webhook-receiver -- [options]

  --secret whsec_…   what messages are signed with; once for each secret that is valid
  --port N           where it listens, on 127.0.0.1 (default 4500; 0: any that is free)
  --status N         what it answers (default 200): 500 is tried again, 410 disables the endpoint
  --delay SECONDS    how long it takes to answer (default 0): from 15 on it is given up
  --count N          stop after so many messages
  --help             this text

A message whose signature is wrong is answered with 401. Without --secret nothing is verified.
`;

export const optionTypes = {
  secret: { type: "string", multiple: true, default: [] as string[] },
  port: { type: "string", default: "4500" },
  status: { type: "string", default: "200" },
  delay: { type: "string", default: "0" },
  count: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

interface Values {
  readonly secret: readonly string[];
  readonly port: string;
  readonly status: string;
  readonly delay: string;
  readonly count?: string | undefined;
}

/** @throws UsageError that says what to change. */
export function readOptions({ secret, port, status, delay, count }: Values): ReceiverOptions {
  for (const one of secret) {
    if (!/^whsec_[A-Za-z0-9+/]+=*$/.test(one)) {
      throw new UsageError("--secret must be a secret as it was shown: whsec_ and what follows");
    }
  }
  return {
    port: within("--port", port, 0, 65_535),
    secrets: secret,
    status: within("--status", status, 200, 599),
    delayMs: within("--delay", delay, 0, 3_600) * 1_000,
    count: count === undefined ? undefined : within("--count", count, 1, 1_000_000),
  };
}

function within(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError(`${name} must be a whole number from ${least} to ${most}`);
}
