import { parseOptions, runCommand } from "../local/cli/options.ts";
import { help, optionTypes, readOptions } from "./webhook-receiver/options.ts";
import { receive } from "./webhook-receiver/receive.ts";

await runCommand(async () => {
  const values = parseOptions(optionTypes, help);
  if (values.help) {
    process.stderr.write(help);
    return;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  await receive(readOptions(values), say, stop.signal);
});
