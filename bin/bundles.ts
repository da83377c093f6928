/**
 * Builds bundles without a synth. `node bin/bundles.ts local <folder>` builds every function as
 * `npm start` runs it; `node bin/bundles.ts deployed <folder> <function>…` builds the named functions
 * as they are deployed. A build error names the file and line.
 */
import { buildBundles, buildLocalBundles } from "../lib/build-bundles.ts";

const [how, output = "", ...names] = process.argv.slice(2);
try {
  if (how === "deployed") buildBundles(names, output);
  else buildLocalBundles(output);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
