import type { Role } from "../../core/contracts/routes.ts";
import { copyOptions, stateFolder, UsageError } from "../../local/cli/options.ts";
import type { OptionSpecs, ValuesOf } from "../program/command.ts";

/** Which copy of the API, and who calls. */
export interface Connection {
  readonly baseUrl: string;
  /** Whether it is a deployed stage, rather than the copy on this machine. */
  readonly deployed: boolean;
  /** Of the embedded cloud: its issuer signs for roles that no token is given for. */
  readonly dataDir: string;
  readonly tokens: Partial<Record<Role, string | undefined>>;
  /** Of the command, as the subject of tokens that are made here. */
  readonly name: string;
}

/** Options of a command that asks the API. */
export const connectionOptions = {
  api: { type: "string", value: "URL", text: "a deployed stage; also PENNYLINE_API" },
  token: {
    type: "string",
    value: "JWT",
    text:
      "a token with the scope admin, for a deployed stage; also PENNYLINE_TOKEN (or " +
      "PENNYLINE_ADMIN_TOKEN, which goes first)",
  },
  "data-dir": {
    type: "string",
    value: "DIR",
    text:
      "folder of the copy that runs on this machine, on PORT (default .pennyline/$PORT; PORT is " +
      "4000 when unset)",
  },
} as const satisfies OptionSpecs;

type Values = ValuesOf<typeof connectionOptions>;

/**
 * Which copy is meant. A folder is one of this machine, whatever the environment says; and the
 * environment's tokens are for a deployed stage.
 * @throws UsageError
 */
export function readTarget(values: Pick<Values, "api" | "data-dir">, env: NodeJS.ProcessEnv) {
  const folder = values["data-dir"];
  const url = values.api ?? (folder === undefined ? nonEmpty(env.PENNYLINE_API) : undefined);
  const apiUrl = readApiUrl(url);
  // A deployed stage has no port of ours to name its folder by.
  const { port, dataDir } = copyOptions(
    folder ?? (apiUrl === undefined ? undefined : stateFolder("deployed")),
    env,
  );
  const deployed = apiUrl !== undefined;
  return { baseUrl: apiUrl ?? `http://127.0.0.1:${port}`, deployed, dataDir };
}

/** Of a command that asks as an admin. @throws UsageError that says what to change. */
export function readConnection(name: string, values: Values, env: NodeJS.ProcessEnv): Connection {
  const target = readTarget(values, env);
  const ofEnvironment = nonEmpty(env.PENNYLINE_ADMIN_TOKEN) ?? nonEmpty(env.PENNYLINE_TOKEN);
  const admin = nonEmpty(values.token) ?? (target.deployed ? ofEnvironment : undefined);
  if (target.deployed && admin === undefined) {
    throw new UsageError(
      "a deployed stage needs --token (or PENNYLINE_TOKEN): a JWT with the scope admin",
    );
  }
  return { ...target, tokens: { admin }, name };
}

/** What a shell sets to nothing is not set. */
export function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Without the slash at its end, so that paths can follow. @throws UsageError */
function readApiUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:") || url.search || url.hash) {
    throw new UsageError(`--api ${text} is not an http or https URL`);
  }
  if (url.protocol === "http:" && !loopback.test(url.hostname)) {
    throw new UsageError(`--api ${text} would show the token to everyone on the way: use https`);
  }
  return url.href.replace(/\/+$/, "");
}
