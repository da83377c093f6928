import { join } from "node:path";
import { z } from "zod";
import { number, readProperties } from "../templates/properties.ts";
import { account, region } from "../templates/resource-types.ts";
import { describe, type Resource } from "../templates/resources.ts";
import type { EnvironmentSettings } from "./messages.ts";

export interface FunctionConfiguration {
  readonly name: string;
  readonly arn: string;
  readonly timeoutMs: number;
  readonly reservedConcurrency: number | undefined;
  readonly variables: Readonly<Record<string, string>>;
  readonly settings: EnvironmentSettings;
}

/** What every function is told about the machine it runs on. */
export interface Surroundings {
  readonly logs: string;
  readonly assets: ReadonlyMap<string, string>;
  /** `AWS_ENDPOINT_URL_*` and the like: where the SDKs find the services. */
  readonly variables: Readonly<Record<string, string>>;
  /** Makes addresses in AWS those of this machine. */
  readonly localize: (text: string) => string;
}

const functionShape = {
  FunctionName: z.string().optional(),
  Code: z.looseObject({ S3Key: z.string().optional(), ZipFile: z.string().optional() }),
  Handler: z.string(),
  Runtime: z.string().regex(/^nodejs\d+\.x$/, "only Node runs here"),
  Timeout: number.default(3),
  MemorySize: number.default(128),
  ReservedConcurrentExecutions: number.optional(),
  Environment: z
    .strictObject({ Variables: z.record(z.string(), z.coerce.string()).default({}) })
    .optional(),
  LoggingConfig: z
    .looseObject({
      LogFormat: z.enum(["Text", "JSON"]).optional(),
      LogGroup: z.string().optional(),
      ApplicationLogLevel: z.string().optional(),
    })
    .optional(),
};
/** Permissions, processor, tracing daemon, encryption: nothing that one machine has. */
const ignored = [
  "Architectures",
  "Description",
  "EphemeralStorage",
  "KmsKeyArn",
  "RecursiveLoop",
  "Role",
  "RuntimeManagementConfig",
  "Tags",
  "TracingConfig",
];

export function readFunction(resource: Resource, around: Surroundings): FunctionConfiguration {
  const properties = readProperties(resource, functionShape, ignored);
  const name = resource.ref;
  const taskRoot = around.assets.get(properties.Code.S3Key ?? "");
  if (taskRoot === undefined) throw new Error(`${describe(resource)}: its bundle is not staged`);
  const logging = properties.LoggingConfig;
  const logGroup = logging?.LogGroup ?? `/aws/lambda/${name}`;
  const arn = `arn:aws:lambda:${region}:${account}:function:${name}`;
  const jsonLogs = logging?.LogFormat === "JSON";
  return {
    name,
    arn,
    timeoutMs: properties.Timeout * 1000,
    reservedConcurrency: properties.ReservedConcurrentExecutions,
    settings: {
      taskRoot,
      handler: properties.Handler,
      logFile: join(around.logs, `${name}.log`),
      jsonLogs,
      functionName: name,
      functionArn: arn,
      memoryMb: properties.MemorySize,
      logGroup,
    },
    variables: {
      ...around.variables,
      ...mapValues(properties.Environment?.Variables ?? {}, around.localize),
      _HANDLER: properties.Handler,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(properties.MemorySize),
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_LOG_FORMAT: jsonLogs ? "JSON" : "Text",
      AWS_LAMBDA_LOG_GROUP_NAME: logGroup,
      AWS_LAMBDA_LOG_STREAM_NAME: "local",
      ...(logging?.ApplicationLogLevel && {
        AWS_LAMBDA_LOG_LEVEL: logging.ApplicationLogLevel,
      }),
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_EXECUTION_ENV: `AWS_Lambda_${properties.Runtime}`,
      LAMBDA_TASK_ROOT: taskRoot,
    },
  };
}

/** The same function with other code. */
export function withCode(
  configuration: FunctionConfiguration,
  taskRoot: string,
): FunctionConfiguration {
  return {
    ...configuration,
    settings: { ...configuration.settings, taskRoot },
    variables: { ...configuration.variables, LAMBDA_TASK_ROOT: taskRoot },
  };
}

function mapValues(values: Readonly<Record<string, string>>, change: (value: string) => string) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
