import { join } from "node:path";
import { region } from "./templates/resource-types.ts";

/** Keys of nobody: no request can reach a real account even if it left this machine. */
export const credentials = { accessKeyId: "local", secretAccessKey: "local" } as const;

export interface Endpoints {
  readonly dynamodbUrl: string;
  /** Serves SQS and S3. */
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
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: "local",
    // The developer's own profiles are none of a function's business.
    AWS_CONFIG_FILE: nowhere,
    AWS_SHARED_CREDENTIALS_FILE: nowhere,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: endpoints.servicesUrl,
    AWS_ENDPOINT_URL_CLOUDWATCH: endpoints.servicesUrl,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodbUrl,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.servicesUrl,
    // An address, not a name: SDKs put the bucket into the path then, not before the host.
    AWS_ENDPOINT_URL_S3: endpoints.queuesUrl,
    AWS_ENDPOINT_URL_SCHEDULER: endpoints.servicesUrl,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.servicesUrl,
    AWS_ENDPOINT_URL_SESV2: endpoints.servicesUrl,
    AWS_ENDPOINT_URL_SQS: endpoints.queuesUrl,
    // Any other service: an error that names this address, and never a call to AWS.
    AWS_ENDPOINT_URL: endpoints.servicesUrl,
    AWS_XRAY_CONTEXT_MISSING: "IGNORE_ERROR",
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
  };
}

export interface ApiAddresses {
  readonly httpApiUrl: string;
  readonly servicesUrl: string;
  readonly webSocketApiId: string | undefined;
}

/**
 * Makes the addresses that AWS has for an API lead to this machine, wherever a template writes
 * them: functions get them from their environment, and need no local branch.
 */
export function localAddresses({ httpApiUrl, servicesUrl, webSocketApiId }: ApiAddresses) {
  const awsAddress = /\b(https|wss):\/\/([\w-]+)\.execute-api\.[\w-]+\.amazonaws\.com/g;
  return (text: string): string =>
    text.replace(awsAddress, (_whole, scheme: string, apiId: string) => {
      if (scheme === "wss") return httpApiUrl.replace(/^http/, "ws");
      // Over HTTPS a WebSocket API has only its `@connections`.
      return apiId === webSocketApiId ? servicesUrl : httpApiUrl;
    });
}
