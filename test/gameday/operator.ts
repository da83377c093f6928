import { execFile } from "node:child_process";
import { join } from "node:path";
import type { Program } from "./program.ts";

/** Somebody with a terminal: what `npx pennyline` says, and its exit code. */
export interface Operator {
  run(...words: string[]): Promise<Screen>;
}

export interface Screen {
  /** As it was typed. */
  readonly command: string;
  readonly lines: readonly string[];
  readonly exitCode: number;
}

const bin = join(import.meta.dirname, "..", "..", "cli", "pennyline.ts");

export function createOperator({ port, dataDir }: Program): Operator {
  return {
    async run(...words) {
      const args = [bin, ...words, "--data-dir", dataDir];
      const env = { ...process.env, PORT: String(port) };
      const { promise, resolve } = Promise.withResolvers<Omit<Screen, "command">>();
      execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
        const text = stdout.trim() === "" ? stderr : stdout;
        resolve({
          lines: text.trimEnd().split("\n"),
          exitCode: error === null ? 0 : Number(error.code),
        });
      });
      return { command: `npx pennyline ${words.map(quoted).join(" ")}`, ...(await promise) };
    },
  };
}

const quoted = (word: string) => (/^[\w-]+$/.test(word) ? word : JSON.stringify(word));
