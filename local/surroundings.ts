import { join } from "node:path";
import { region } from "./templates/resource-types.ts";

export interface Endpoints {
  readonly dynamodbUrl: string;
  readonly queuesUrl: string;
  readonly servicesUrl: string;
  readonly dataDir: string;
}

/** The environment that makes AWS SDKs talk to this machine, with no branch in any handler. */
export function serviceVariables(endpoints: Endpoints): Record<string, string> {
  const nowhere = join(endpoints.dataDir, "no-aws-configuration");
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    // Keys of nobody: no request can reach a real account even if it left this machine.
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_SESSION_TOKEN: "local",
    // The developer's own profiles are none of a function's business.
    AWS_CONFIG_FILE: nowhere,
    AWS_SHARED_CREDENTIALS_FILE: nowhere,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodbUrl,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.servicesUrl,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.servicesUrl,
    AWS_ENDPOINT_URL_SQS: endpoints.queuesUrl,
    // Any other service: an error that names this address, and never a call to AWS.
    AWS_ENDPOINT_URL: endpoints.servicesUrl,
    AWS_XRAY_CONTEXT_MISSING: "IGNORE_ERROR",
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
  };
}
