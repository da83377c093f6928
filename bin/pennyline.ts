import { readCdkContext } from "../lib/cdk-context.ts";
import { ConfigurationError } from "../lib/configuration-error.ts";
import { PennylineApp } from "../lib/pennyline-app.ts";

try {
  // The CDK's own command line hands the context over as well; the embedded cloud runs this file
  // by itself. What comes with `-c` or in CDK_CONTEXT_JSON wins over cdk.json.
  new PennylineApp({ context: readCdkContext() }).synth();
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
