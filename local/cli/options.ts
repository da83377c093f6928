import { join, relative } from "node:path";
import { parseArgs } from "node:util";

export interface CopyOptions {
  readonly port: number;
  readonly dataDir: string;
}

export class UsageError extends Error {}

const defaultPort = 4000;

/** Which copy is meant: every port has a folder of its own, so that copies run side by side. */
export function copyOptions(dataDir: string | undefined, environment = process.env): CopyOptions {
  const port = Number(environment.PORT ?? defaultPort);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new UsageError(`PORT is ${environment.PORT}; it must be a number from 0 (any) to 65535`);
  }
  return { port, dataDir: dataDir ?? stateFolder(String(port)) };
}

/** Beside the sources, wherever a command is started from. */
export function stateFolder(name: string): string {
  const root = join(import.meta.dirname, "..", "..");
  return relative(process.cwd(), join(root, ".pennyline", name));
}

/** `parseArgs` with errors that a person can act on. */
export function parseOptions<const Options extends NonNullable<ParseConfig["options"]>>(
  options: Options,
  help: string,
) {
  try {
    return parseArgs({ options, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}\n\n${help}`, { cause });
  }
}

type ParseConfig = NonNullable<Parameters<typeof parseArgs>[0]>;

/** Runs a command line: a mistake of its user is a message, not a stack trace. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error && process.env.DEBUG ? `\n${cause.stack}` : "";
    process.stderr.write(`${message}${why}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
