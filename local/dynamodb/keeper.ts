/**
 * Runs the command line it is given and ends it when standard input closes. The embedded cloud
 * holds the other end of that pipe, so that a `kill -9` of it leaves no DynamoDB behind.
 */
import { spawn } from "node:child_process";

const [command = "", ...parameters] = process.argv.slice(2);
const child = spawn(command, parameters, { stdio: ["ignore", "inherit", "inherit"] });
child.on("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 0);
  process.stdin.destroy();
});
process.stdin.resume();
process.stdin.on("end", () => child.kill("SIGKILL"));
process.stdin.on("error", () => child.kill("SIGKILL"));
