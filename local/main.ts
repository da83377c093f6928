import { followFaults, parseFaults } from "./cli/faults.ts";
import { copyOptions, parseOptions, runCommand, UsageError } from "./cli/options.ts";
import { type StatusLine, startStatusLine } from "./cli/status-line.ts";
import { welcome } from "./cli/welcome.ts";
import { startCloud } from "./cloud.ts";
import { reloadOnChange } from "./reload.ts";

const help = `Runs the synthesized application whole on this machine.

  npm start -- [options]

  --data-dir DIR   where state and logs are kept (default: .pennyline/<port>)
  --reset          forget that state first
  --faults FILE    faults to inject, as JSON, and again whenever the file changes
  --help           show this text

  PORT                          port on 127.0.0.1 (default: 4000)
  PENNYLINE_DYNAMODB_ENDPOINT   a DynamoDB-compatible server to use instead of dynoxide
  PENNYLINE_FAULTS              faults to inject, as JSON (see FaultPlan in local/faults.ts)
  PENNYLINE_SEED                seed of those faults (default: random, printed)
  PENNYLINE_MINUTE_MS           how long a minute of alarms, schedules and deployments lasts (default: 60000)
`;

const sameSignalMs = 500;
/** A part that does not stop, such as a thread in native code, is left behind. */
const stoppedWithinMs = 8_000;

await runCommand(async () => {
  const startedAtMs = Date.now() - process.uptime() * 1000;
  const values = parseOptions(
    {
      "data-dir": { type: "string" },
      reset: { type: "boolean", default: false },
      faults: { type: "string" },
      help: { type: "boolean", default: false },
    },
    help,
  );
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const copy = copyOptions(values["data-dir"]);
  const faults = process.env.PENNYLINE_FAULTS;
  const seed = wholeNumber("PENNYLINE_SEED");
  const minuteMs = wholeNumber("PENNYLINE_MINUTE_MS");
  let status: StatusLine | undefined;
  const print = (message: string) => {
    if (status === undefined) process.stderr.write(`${message}\n`);
    else status.print(message);
  };
  const cloud = await startCloud({
    ...copy,
    reset: values.reset,
    quiet: true,
    onMessage: print,
    onFatal(reason) {
      print(`${reason}; nothing works without it. Start again: what was accepted is kept.`);
      process.exit(1);
    },
    ...(faults !== undefined && { faults: parseFaults(faults, "PENNYLINE_FAULTS") }),
    ...(seed !== undefined && { seed }),
    ...(minuteMs !== undefined && { minuteMs }),
  });
  process.stdout.write(`${welcome(cloud, Date.now() - startedAtMs)}\n`);
  if (faults !== undefined) print(`faults are on, seed ${cloud.faults.seed}`);
  status = startStatusLine(cloud);
  const reloading = reloadOnChange(cloud, print);
  const stopFaults = values.faults && followFaults(values.faults, cloud.faults, print);

  let askedAtMs: number | undefined;
  const stop = async () => {
    const now = performance.now();
    // npm passes on the signal that the terminal has sent to us already: the same Ctrl-C.
    if (askedAtMs !== undefined && now - askedAtMs < sameSignalMs) return;
    if (askedAtMs !== undefined) process.exit(130);
    askedAtMs = now;
    reloading.stop();
    if (stopFaults) stopFaults();
    status?.stop();
    process.stdout.write("stopping: work in flight finishes (Ctrl-C again ends it now)\n");
    setTimeout(() => {
      print("some parts did not stop in time; everything that was accepted is kept");
      process.exit(1);
    }, stoppedWithinMs).unref();
    await cloud.stop();
    process.stdout.write("stopped; everything that was accepted is kept\n");
  };
  process.on("SIGINT", () => void stop());
  process.on("SIGTERM", () => void stop());
});

function wholeNumber(variable: string): number | undefined {
  const text = process.env[variable];
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`${variable} is ${text}; it must be a whole number`);
}
