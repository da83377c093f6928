import { join } from "node:path";
import { startAwsJsonServer } from "./aws-json-server.ts";
import { type Alarms, startAlarms } from "./cloudwatch/alarms.ts";
import { alarmsAnswer, alarmsPath } from "./cloudwatch/alarms-page.ts";
import { cloudWatchOperations } from "./cloudwatch/cloudwatch-api.ts";
import { createMeasured } from "./cloudwatch/measured.ts";
import type { CloudMinutes, Metrics } from "./cloudwatch/metrics.ts";
import type { DataDir } from "./data-dir.ts";
import { type AdoptableIssuer, openDevIssuer } from "./dev-issuer.ts";
import { type DynamoDbServer, noDynamoDb, startDynamoDb } from "./dynamodb/server.ts";
import { createTable } from "./dynamodb/tables.ts";
import { type EventSourceMapping, startEventSourceMapping } from "./event-source-mapping.ts";
import { createEventBus } from "./events/event-bus.ts";
import type { Faults } from "./faults.ts";
import { type AccessLog, openAccessLog } from "./http/access-log.ts";
import { readApi } from "./http/api-model.ts";
import { type HttpApi, listenHttpApi } from "./http/http-api.ts";
import { createFunctions, type Functions } from "./lambda/functions.ts";
import { openBuckets } from "./s3/buckets.ts";
import { type Scheduler, startScheduler } from "./scheduler.ts";
import { openSecrets, type Secrets } from "./secrets.ts";
import { runServices, type ServiceOptions, type Services } from "./services.ts";
import { type Fauxqs, openFauxqs } from "./sqs/fauxqs.ts";
import { createQueues, type Queues } from "./sqs/queues.ts";
import type { Stats } from "./stats.ts";
import { localAddresses, serviceVariables } from "./surroundings.ts";
import { synthesize } from "./synthesize.ts";
import { type Assembly, readAssembly } from "./templates/assembly.ts";
import { region } from "./templates/resource-types.ts";
import { type Resource, resolveResources } from "./templates/resources.ts";
import { isWebSocketApi } from "./websocket/api-model.ts";

/** What every part of one copy shares. */
export interface Context {
  readonly dataDir: DataDir;
  readonly stats: Stats;
  readonly metrics: Metrics;
  /** How long a minute of schedules and alarms lasts. */
  readonly minutes: CloudMinutes;
  readonly faults: Faults;
  readonly warn: (message: string) => void;
  readonly onFatal: (reason: string) => void;
  /** How to stop what has started, first started first, should a later step fail. */
  readonly undo: (() => unknown)[];
}

export interface Stores {
  readonly http: HttpApi;
  readonly assembly: Assembly;
  readonly dynamodb: DynamoDbServer;
  /** SQS and S3. */
  readonly fauxqs: Fauxqs;
  readonly queues: Queues;
  readonly devIssuer: AdoptableIssuer;
  readonly resources: readonly Resource[];
}

export interface StoreOptions {
  readonly port: number;
  readonly assemblyDir: string | undefined;
  readonly onListening: (url: string) => void;
}

const tableTypes = ["DynamoDB::Table", "DynamoDB::GlobalTable"];

/** Takes the port, reads the templates, and starts what keeps data. */
export async function openStores(context: Context, options: StoreOptions): Promise<Stores> {
  const { dataDir, undo, warn } = context;
  const http = await listenHttpApi(options.port);
  undo.push(() => http.stop());
  options.onListening(http.url);
  const onSynthesis = () =>
    warn("synthesizing the CDK application (again only when its sources change)");
  const assembly = readAssembly(
    options.assemblyDir ?? (await synthesize(dataDir.assembly, onSynthesis)).directory,
  );
  const [dynamodb, fauxqs, devIssuer] = await allOrNone(undo, [
    hasTables(assembly) ? startDynamoDb(dataDir.dynamodb, context.onFatal) : noDynamoDb,
    openFauxqs(dataDir.queues, region),
    openDevIssuer(dataDir.issuer),
  ]);
  const queues = createQueues(fauxqs);
  const resources = resolveResources(assembly, { httpApiUrl: http.url, sqsUrl: fauxqs.url });
  return { http, assembly, dynamodb, fauxqs, queues, devIssuer, resources };
}

function hasTables({ stacks }: Assembly): boolean {
  const resources = stacks.flatMap(({ template }) => Object.values(template.Resources ?? {}));
  return resources.some(({ Type }) => tableTypes.some((type) => Type === `AWS::${type}`));
}

export interface Parts {
  readonly tables: readonly string[];
  readonly secrets: Secrets;
  readonly services: Services;
  readonly servicesUrl: string;
  readonly functions: Functions;
  readonly mappings: readonly EventSourceMapping[];
  readonly scheduler: Scheduler;
  readonly alarms: Alarms;
  readonly accessLog: AccessLog;
  /** Dispatches `settled` after each batch. */
  readonly activity: EventTarget;
}

/** Creates every resource and lets it run; requests are answered when this resolves. */
export async function runTemplates(
  context: Context,
  stores: Stores,
  options: ServiceOptions,
): Promise<Parts> {
  const { dataDir, faults, minutes, undo, warn } = context;
  const { assembly, dynamodb, queues, resources } = stores;
  const ofType = (...types: string[]) =>
    resources.filter(({ type }) => types.includes(type.slice("AWS::".length)));

  const tables = await Promise.all(
    ofType(...tableTypes).map((table) => createTable(dynamodb.client, table)),
  );
  for (const queue of ofType("SQS::Queue")) queues.create(queue);
  const secrets = openSecrets(dataDir.secrets, ofType("SecretsManager::Secret"));
  const bus = createEventBus(ofType("Events::EventBus"), ofType("Events::Rule"), {
    ...context,
    queues,
  });
  openBuckets(ofType("S3::Bucket"), stores.fauxqs, bus);
  const server = await startAwsJsonServer();
  undo.push(() => server.stop());

  const variables = serviceVariables({
    dynamodbUrl: dynamodb.url,
    queuesUrl: queues.url,
    servicesUrl: server.url,
    dataDir: dataDir.path,
  });
  const webSocketApiId = ofType("ApiGatewayV2::Api").find(isWebSocketApi)?.ref;
  const addresses = { httpApiUrl: stores.http.url, servicesUrl: server.url, webSocketApiId };
  const localize = localAddresses(addresses);
  const around = { logs: dataDir.logs, assets: assembly.assets, variables, localize };
  const functions = createFunctions(ofType("Lambda::Function"), around, context);
  undo.push(() => functions.stop());
  const api = readApi(resources, { functions, devIssuer: stores.devIssuer });
  const [authorizer] = api?.authorizers ?? [];
  if (authorizer) stores.devIssuer.adopt(authorizer.issuer, authorizer.audience[0] ?? "");

  const activity = new EventTarget();
  const onSettled = () => activity.dispatchEvent(new Event("settled"));
  const mappings = ofType("Lambda::EventSourceMapping").map((resource) => {
    const deps = { queues, functions, faults, minutes, warn, onSettled };
    const mapping = startEventSourceMapping(resource, deps);
    undo.push(() => mapping.stop());
    return mapping;
  });
  const scheduler = startScheduler(
    ofType("Scheduler::Schedule"),
    ofType("Lambda::EventInvokeConfig"),
    {
      functions,
      queues,
      automatic: options.automaticSchedules,
      minuteMs: minutes.minuteMs,
    },
  );
  undo.push(() => scheduler.stop());
  const measured = createMeasured({ ...context, queues, functions });
  const alarms = startAlarms(resources, {
    ...{ measured, minutes, logFile: join(dataDir.logs, "alarms.log") },
    onChange({ name, description }, { from, to, told }) {
      const whom = told.length > 0 ? ` (told ${told.join(", ")})` : "";
      if (to === "ALARM") warn(`alarm ${name}: ${description}${whom}`);
      else if (from === "ALARM") warn(`alarm ${name} is ${to} again${whom}`);
    },
  });
  stores.http.onLocal(alarmsPath, (path, accept) => alarmsAnswer(alarms, path, accept));
  undo.push(() => alarms.stop());
  const monitoring = cloudWatchOperations({ ...context, alarms, measured });
  const served = { bus, functions, secrets, server, monitoring };
  const services = runServices(context, stores, served, options);
  const accessLog = openAccessLog(join(dataDir.logs, "access.log"), api?.accessLogFormat);
  undo.push(() => accessLog.close());
  stores.http.serve(api, accessLog, context);
  const wired = { tables, secrets, services, servicesUrl: server.url, functions, mappings };
  return { ...wired, scheduler, alarms, accessLog, activity };
}

/** How long a stop lets work in flight finish, and clients read the answers that it causes. */
const finishWithinMs = 5_000;
const answerWithinMs = 500;
const endWithinMs = 1_000;

/**
 * From the outside in: what produces work stops before what the work needs. What does not finish in
 * time is ended: requests are answered 503, messages come again at the next start.
 */
export async function stopParts(stores: Stores, parts: Parts, { warn }: Context): Promise<void> {
  const { functions } = parts;
  parts.alarms.stop();
  const finished = Promise.all([
    stores.http.stop(),
    parts.scheduler.stop(),
    parts.services.finish(),
    ...parts.mappings.map((mapping) => mapping.stop()),
  ]).then(() => functions.drain());
  if (!(await isOver(finished, finishWithinMs))) {
    const running = functions.all().filter((lambda) => lambda.busy() > 0);
    if (running.length > 0) warn(`ended while they ran: ${running.map(({ name }) => name)}`);
    await isOver(functions.stop(), endWithinMs);
    if (!(await isOver(finished, answerWithinMs))) {
      stores.http.cut();
      await isOver(finished, endWithinMs);
    }
  }
  parts.accessLog.close();
  await isOver(functions.stop(), endWithinMs);
  await parts.services.stop();
  await Promise.all([stores.fauxqs.stop(), stores.dynamodb.stop()]);
}

async function isOver(work: Promise<unknown>, withinMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), withinMs);
  try {
    return await Promise.race([work.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Awaits parts that start side by side; if one fails, those that did start are stopped. */
async function allOrNone<const Parts extends readonly unknown[]>(
  undo: (() => unknown)[],
  parts: Parts,
): Promise<{ [K in keyof Parts]: Awaited<Parts[K]> }> {
  const results = await Promise.allSettled(parts);
  for (const result of results) {
    if (result.status === "rejected") continue;
    const part = result.value as { stop?: () => unknown } | string;
    if (typeof part === "object" && part.stop) undo.push(() => part.stop?.());
  }
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as {
    [K in keyof Parts]: Awaited<Parts[K]>;
  };
}
