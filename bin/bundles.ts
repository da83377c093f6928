/**
 * Bundles as they are deployed, for whoever does not want a whole synth:
 * `node bin/bundles.ts fingerprints` and `node bin/bundles.ts build <folder> <function>…`.
 * Answers JSON; what does not build is an error that names file and line.
 */
import { buildBundles, fingerprintBundles } from "../lib/build-bundles.ts";

const [command, output = "", ...names] = process.argv.slice(2);
try {
  const answer =
    command === "build" ? Object.fromEntries(buildBundles(names, output)) : fingerprintBundles();
  process.stdout.write(`${JSON.stringify(answer)}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
