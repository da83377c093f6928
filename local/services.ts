import { join } from "node:path";
import type { AwsJsonServer, Operation } from "./aws-json-server.ts";
import type { EventBus } from "./events/event-bus.ts";
import { openAccessLog } from "./http/access-log.ts";
import type { Functions } from "./lambda/functions.ts";
import { openMailbox } from "./mail/mailbox.ts";
import { mailboxAnswer, mailboxPath } from "./mail/mailbox-page.ts";
import { mailOperations } from "./mail/send-email.ts";
import type { Context, Stores } from "./parts.ts";
import type { Schedules } from "./schedules/run-schedules.ts";
import { openScheduleApi } from "./schedules/schedule-api.ts";
import type { Secrets } from "./secrets.ts";
import { openServicesDatabase } from "./services-database.ts";
import { readWebSocketApi } from "./websocket/api-model.ts";
import { openConnections } from "./websocket/connections.ts";
import type { WebSocketLimits } from "./websocket/limits.ts";
import { serveWebSockets } from "./websocket/web-socket-api.ts";

export interface ServiceDeps {
  readonly bus: EventBus;
  readonly functions: Functions;
  readonly secrets: Secrets;
  readonly server: AwsJsonServer;
  /** CloudWatch's. */
  readonly monitoring: Readonly<Record<string, Operation>>;
}

export interface ServiceOptions {
  readonly automaticSchedules: boolean;
  readonly webSocketLimits: WebSocketLimits;
}

/** What SDK clients and browsers reach beside DynamoDB, SQS, S3 and the HTTP API. */
export interface Services {
  /** One-off schedules, made through the API. */
  readonly schedules: Schedules;
  /** Empty if no template has a WebSocket API. */
  readonly webSocketUrl: string;
  /** Takes no new work, and finishes what runs. */
  finish(): Promise<void>;
  /** When no function can call any more. */
  stop(): Promise<void>;
}

export function runServices(
  context: Context,
  stores: Stores,
  { bus, functions, secrets, server, monitoring }: ServiceDeps,
  options: ServiceOptions,
): Services {
  const { dataDir, undo, warn } = context;
  const { queues, resources } = stores;
  const ofType = (type: string) => resources.filter((one) => one.type === `AWS::${type}`);
  const database = openServicesDatabase(dataDir.services);
  undo.push(() => database.close());
  const schedules = openScheduleApi(ofType("Scheduler::ScheduleGroup"), {
    ...{ bus, database, functions, queues, warn },
    automatic: options.automaticSchedules,
  });
  undo.push(() => schedules.stop());

  const model = readWebSocketApi(resources, functions);
  const accessLog = openAccessLog(join(dataDir.logs, "websocket.log"), model?.accessLogFormat);
  undo.push(() => accessLog.close());
  const connections = openConnections(database);
  const limits = options.webSocketLimits;
  const webSockets = model && serveWebSockets(model, { accessLog, connections, limits, warn });
  if (webSockets) stores.http.onUpgrade(webSockets.upgrade);

  const mailbox = openMailbox(dataDir.mailbox, database, bus);
  stores.http.onLocal(mailboxPath, (path, accept) => mailboxAnswer(mailbox, path, accept));

  server.serve({
    targets: { ...bus.operations, ...secrets.operations, ...monitoring },
    rest: [
      ...schedules.operations,
      ...(webSockets?.operations ?? []),
      ...mailOperations({
        identities: ofType("SES::EmailIdentity"),
        configurationSets: ofType("SES::ConfigurationSet"),
        eventDestinations: ofType("SES::ConfigurationSetEventDestination"),
        mailbox,
      }),
    ],
  });
  return {
    schedules,
    webSocketUrl: model ? `${stores.http.url.replace(/^http/, "ws")}/${model.stage}` : "",
    async finish() {
      await Promise.all([schedules.stop(), webSockets?.stop()]);
      accessLog.close();
    },
    async stop() {
      await server.stop();
      database.close();
    },
  };
}
