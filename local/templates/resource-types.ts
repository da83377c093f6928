/** The account and region that the embedded cloud plays; fauxqs knows only this account. */
export const account = "000000000000";
export const region = "us-east-1";

/** Addresses that are only known once the servers of this run listen. */
export interface Addresses {
  readonly httpApiUrl: string;
  readonly sqsUrl: string;
}

/** What other resources see of a resource. */
export interface Identity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A property of the resource, with its intrinsic functions evaluated. */
type ReadProperty = (name: string) => unknown;

interface ResourceType {
  /** The property that holds a name chosen by the template, if any. */
  readonly nameProperty?: string;
  readonly identity: (name: string, addresses: Addresses, property: ReadProperty) => Identity;
}

function arn(service: string, resource: string): string {
  return `arn:aws:${service}:${region}:${account}:${resource}`;
}

/** Its Ref is its name and its only attribute the ARN. */
function named(nameProperty: string, service: string, prefix = ""): ResourceType {
  return {
    nameProperty,
    identity: (name) => ({
      ref: name,
      attributes: { Arn: arn(service, `${prefix}${name}`), Name: name },
    }),
  };
}

function functionArnOf(nameOrArn: unknown): string {
  const text = String(nameOrArn);
  return text.startsWith("arn:") ? text : arn("lambda", `function:${text}`);
}

const table: ResourceType = {
  nameProperty: "TableName",
  identity: (name) => ({
    ref: name,
    attributes: { Arn: arn("dynamodb", `table/${name}`), TableId: name },
  }),
};

const plain: ResourceType = { identity: (name) => ({ ref: name, attributes: { Id: name } }) };

/** Types that the embedded cloud runs. */
const running: Readonly<Record<string, ResourceType>> = {
  "AWS::DynamoDB::Table": table,
  "AWS::DynamoDB::GlobalTable": table,
  "AWS::SQS::Queue": {
    nameProperty: "QueueName",
    identity: (name, { sqsUrl }) => ({
      ref: `${sqsUrl}/${account}/${name}`,
      attributes: {
        Arn: arn("sqs", name),
        QueueName: name,
        QueueUrl: `${sqsUrl}/${account}/${name}`,
      },
    }),
  },
  "AWS::Events::EventBus": named("Name", "events", "event-bus/"),
  "AWS::Events::Rule": named("Name", "events", "rule/"),
  "AWS::Lambda::Function": named("FunctionName", "lambda", "function:"),
  "AWS::Lambda::Alias": {
    identity: (_, __, property) => {
      const ref = `${functionArnOf(property("FunctionName"))}:${property("Name")}`;
      return { ref, attributes: { AliasArn: ref } };
    },
  },
  "AWS::Lambda::Version": {
    identity: (_, __, property) => {
      const ref = `${functionArnOf(property("FunctionName"))}:1`;
      return { ref, attributes: { FunctionArn: ref, Version: "1" } };
    },
  },
  "AWS::Lambda::EventSourceMapping": plain,
  "AWS::Lambda::EventInvokeConfig": plain,
  "AWS::S3::Bucket": {
    nameProperty: "BucketName",
    identity: (name) => {
      // CloudFormation's own names are made to fit, too.
      const bucket = name.toLowerCase().slice(0, 63);
      const DomainName = `${bucket}.s3.amazonaws.com`;
      const RegionalDomainName = `${bucket}.s3.${region}.amazonaws.com`;
      const attributes = { Arn: `arn:aws:s3:::${bucket}`, DomainName, RegionalDomainName };
      return { ref: bucket, attributes };
    },
  },
  "AWS::Scheduler::Schedule": named("Name", "scheduler", "schedule/default/"),
  "AWS::Scheduler::ScheduleGroup": named("Name", "scheduler", "schedule-group/"),
  "AWS::SES::ConfigurationSet": { nameProperty: "Name", identity: plain.identity },
  "AWS::SES::ConfigurationSetEventDestination": plain,
  "AWS::SES::EmailIdentity": { nameProperty: "EmailIdentity", identity: plain.identity },
  "AWS::SecretsManager::Secret": {
    nameProperty: "Name",
    // AWS appends six characters; a fixed suffix keeps the ARN the same at every start.
    identity: (name) => {
      const secretArn = arn("secretsmanager", `secret:${name}-000000`);
      return { ref: secretArn, attributes: { Id: secretArn } };
    },
  },
  "AWS::ApiGatewayV2::Api": {
    identity: (name, { httpApiUrl }, property) => {
      const webSocket = property("ProtocolType") === "WEBSOCKET";
      const ApiEndpoint = webSocket ? httpApiUrl.replace(/^http/, "ws") : httpApiUrl;
      return { ref: name, attributes: { ApiId: name, ApiEndpoint } };
    },
  },
  "AWS::ApiGatewayV2::Stage": { nameProperty: "StageName", identity: plain.identity },
  "AWS::ApiGatewayV2::Route": {
    identity: (name) => ({ ref: name, attributes: { RouteId: name } }),
  },
  "AWS::ApiGatewayV2::RouteResponse": plain,
  "AWS::ApiGatewayV2::Integration": {
    identity: (name) => ({ ref: name, attributes: { IntegrationId: name } }),
  },
  "AWS::ApiGatewayV2::Authorizer": {
    identity: (name) => ({ ref: name, attributes: { AuthorizerId: name } }),
  },
  "AWS::CloudWatch::Alarm": named("AlarmName", "cloudwatch", "alarm:"),
  "AWS::CodeDeploy::DeploymentGroup": {
    nameProperty: "DeploymentGroupName",
    identity: plain.identity,
  },
  "AWS::CloudWatch::CompositeAlarm": named("AlarmName", "cloudwatch", "alarm:"),
  "AWS::SNS::Subscription": plain,
};

/** Types with nothing to run, and why. Everything that is on neither list is an error. */
const inert: Readonly<Record<string, string>> = {
  "AWS::CDK::Metadata": "tells AWS which constructs are in use",
  "AWS::ApiGateway::Account": "lets API Gateway write logs; access logs are files here",
  "AWS::CloudWatch::Dashboard": "drawn by CloudWatch",
  "AWS::CodeDeploy::Application": "only holds the deployment groups",
  "AWS::IAM::ManagedPolicy": "permissions are not evaluated on one machine",
  "AWS::IAM::Policy": "permissions are not evaluated on one machine",
  "AWS::IAM::Role": "permissions are not evaluated on one machine",
  "AWS::KMS::Alias": "nothing is encrypted at rest on one machine",
  "AWS::KMS::Key": "nothing is encrypted at rest on one machine",
  "AWS::Lambda::Permission": "permissions are not evaluated on one machine",
  "AWS::Logs::LogGroup": "logs are files in the data folder",
  "AWS::Logs::ResourcePolicy": "permissions are not evaluated on one machine",
  "AWS::S3::BucketPolicy": "permissions are not evaluated on one machine",
  "AWS::SecretsManager::ResourcePolicy": "permissions are not evaluated on one machine",
  "AWS::SNS::Topic": "carries alarms to people; alarms are printed here, with whom they would tell",
  "AWS::SNS::TopicPolicy": "permissions are not evaluated on one machine",
  "AWS::SQS::QueuePolicy": "permissions are not evaluated on one machine",
};

export function isRunning(type: string): boolean {
  return Object.hasOwn(running, type);
}

export function isInert(type: string): boolean {
  return Object.hasOwn(inert, type);
}

export function nameProperty(type: string): string | undefined {
  return running[type]?.nameProperty;
}

export function identify(
  type: string,
  name: string,
  addresses: Addresses,
  property: ReadProperty,
): Identity {
  return running[type]?.identity(name, addresses, property) ?? inertIdentity(type, name);
}

/** Only permissions and notifications refer to these, and nothing here reads those. */
function inertIdentity(type: string, name: string): Identity {
  const service = (type.split("::")[1] ?? type).toLowerCase();
  const itsArn = arn(service, name);
  const attributes = { Arn: itsArn, TopicArn: itsArn, TopicName: name, KeyId: name, RoleId: name };
  return { ref: type === "AWS::SNS::Topic" ? itsArn : name, attributes };
}
