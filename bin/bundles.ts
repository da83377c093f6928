/**
 * The functions' bundles, for whoever does not want a whole synth: `node bin/bundles.ts local <folder>`
 * builds all as `npm start` runs them, `node bin/bundles.ts deployed <folder> <function>…` these as they
 * are deployed. What does not build is an error that names file and line.
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
