#!/usr/bin/env node
import { commands } from "./commands.ts";
import { runProgram } from "./program/run-program.ts";

const clearScreen = "\u001b[H\u001b[2J";
const stop = new AbortController();

// Whoever closes the pipe (`| head`) has read enough; the exit code is the answer's all the same.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  stop.abort();
});

function untilStopped(): AbortSignal {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

process.exitCode = await runProgram(commands, process.argv.slice(2), {
  env: process.env,
  print: (text) => void process.stdout.write(`${text}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
  clear: () => void (process.stdout.isTTY && process.stdout.write(clearScreen)),
  untilStopped,
});
