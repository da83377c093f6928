import { setTimeout as sleep } from "node:timers/promises";
import type { Role } from "../../core/contracts/routes.ts";
import type { Pacing } from "../../core/values/retry.ts";
import { dataDirAt } from "../../local/data-dir.ts";
import { readDevIssuer } from "../../local/dev-issuer.ts";
import type { Io } from "../program/command.ts";
import { type Api, ApiFailure, apiClient } from "./api-client.ts";
import type { Connection } from "./connection.ts";

interface Deps {
  readonly pacing: Pacing;
  /** Told of waits that are long enough to be news. */
  readonly note: (text: string) => void;
  readonly maxAttempts?: number;
}

const looks = 4;
const betweenLooksMs = 500;
const lookTimeoutMs = 10_000;
/** Shorter waits are no news. */
const worthTellingMs = 1_000;

/** Someone sits and waits for the answer. */
const patientAttempts = 6;

/** Of a command that asks as its user waits. @throws ApiFailure when nothing answers. */
export function connectFor(connection: Connection, { note }: Pick<Io, "note">): Promise<Api> {
  return connect(connection, { pacing: systemPacing, note, maxAttempts: patientAttempts });
}

export const systemPacing: Pacing = { sleep: (delayMs) => sleep(delayMs), random: Math.random };

/** @throws ApiFailure when nothing answers, before a log is read for nothing. */
export async function connect(
  connection: Connection,
  { pacing, note, maxAttempts }: Deps,
): Promise<Api> {
  const { baseUrl } = connection;
  await requireAnswer(baseUrl, pacing);
  return apiClient({
    baseUrl,
    tokenFor: tokenSource(connection),
    pacing,
    maxAttempts,
    onRetry: (reason, delayMs) => {
      if (delayMs < worthTellingMs) return;
      note(`waiting ${Math.round(delayMs / 1_000)} s: ${reason}`);
    },
  });
}

/** Any answer will do: whether it is the right one shows with the first request. */
async function requireAnswer(baseUrl: string, pacing: Pacing): Promise<void> {
  for (let look = 1; ; look += 1) {
    try {
      const signal = AbortSignal.timeout(lookTimeoutMs);
      await (await fetch(`${baseUrl}/v1/health`, { signal })).body?.cancel();
      return;
    } catch (cause) {
      if (look === looks) {
        const message = `nothing answers at ${baseUrl}: run npm start, or set PORT or --api`;
        throw new ApiFailure(message, undefined, { cause });
      }
      await pacing.sleep(betweenLooksMs);
    }
  }
}

/** The tokens that were given, or else fresh ones of the embedded cloud's own issuer. */
function tokenSource({ tokens, dataDir, name }: Connection): (role: Role) => Promise<string> {
  const minted = new Map<Role, Promise<string>>();
  return (role) => {
    const token = tokens[role];
    if (token !== undefined) return Promise.resolve(token);
    const fresh = minted.get(role) ?? mintToken(dataDir, role, `${name}-${role}`);
    minted.set(role, fresh);
    return fresh;
  };
}

async function mintToken(dataDir: string, role: Role, id: string): Promise<string> {
  const issuer = await readDevIssuer(dataDirAt(dataDir).issuer).catch((cause) => {
    const message =
      `no embedded cloud has started in ${dataDir}: run npm start, or name its folder with ` +
      "--data-dir, or a deployed stage with --api and --token";
    throw new ApiFailure(message, undefined, { cause });
  });
  return await issuer.mintToken({ role, id });
}
