/** A copy of the embedded cloud to kill: `node run-cloud.ts <data folder> <assembly> [faults]`. */
import { startCloud } from "../../../local/cloud.ts";

const [dataDir = "", assemblyDir = "", plan = "{}"] = process.argv.slice(2);
try {
  const cloud = await startCloud({
    dataDir,
    assemblyDir,
    schedules: false,
    faults: JSON.parse(plan),
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => void cloud.stop());
  process.stdout.write(`${JSON.stringify({ url: cloud.url, servicesUrl: cloud.servicesUrl })}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
