import { relative } from "node:path";
import type { Cloud } from "../cloud.ts";
import { alarmsPath } from "../cloudwatch/alarms-page.ts";
import { mailboxPath } from "../mail/mailbox-page.ts";

/** What was started, and what to try first. */
export function welcome(cloud: Cloud, startedInMs: number): string {
  const count = (type: string) => cloud.resources.filter((one) => one.type === type).length;
  const folder = relative(process.cwd(), cloud.dataDir.path) || ".";
  const routes = count("AWS::ApiGatewayV2::Route");
  const port = new URL(cloud.url).port;
  const settings = [
    port === "4000" ? "" : `PORT=${port} `,
    folder === `.pennyline/${port}` ? "" : ` --data-dir ${folder}`,
  ];
  const month = new Date().toISOString().slice(0, 7);
  const token = (role: string) =>
    `$(${settings[0]}npx pennyline token --role ${role} --id me${settings[1]})`;
  return `Pennyline runs on ${cloud.url} (started in ${(startedInMs / 1000).toFixed(1)} s)

  ${routes} routes, ${cloud.functions.all().length} functions, ${cloud.tables.length} tables, \
${cloud.queues.all().length} queues, ${cloud.scheduleNames.length} schedules, \
${cloud.alarms.list().length} alarms
  state and logs: ${folder}/ (--reset starts afresh)
  DynamoDB:       ${cloud.dynamodbUrl}
${cloud.webSocketUrl && `  WebSocket:      ${cloud.webSocketUrl}\n`}\
${count("AWS::SES::EmailIdentity") > 0 ? `  mailbox:        ${cloud.url}${mailboxPath}\n` : ""}\
  alarms:         ${cloud.url}${alarmsPath}

Try, in another terminal:

  ${settings[0]}npx pennyline status${settings[1]}

  curl ${cloud.url}/v1/health

  curl -X PUT ${cloud.url}/v1/articles/hello -H 'content-type: application/json' \\
    -H "idempotency-key: $(date +%s)" -H "authorization: Bearer ${token("publisher")}" \\
    -d '{"title":"Hello","creatorId":"c1"}'

  curl -X POST ${cloud.url}/v1/engagements/batch -H 'content-type: application/json' \\
    -H "authorization: Bearer ${token("publisher")}" \\
    -d '{"engagements":[{"articleId":"hello","readerId":"r1","kind":"view"}]}'

  curl ${cloud.url}/v1/creators/c1/balance \\
    -H "authorization: Bearer ${token("publisher")}"

  curl -X POST ${cloud.url}/v1/jobs -H 'content-type: application/json' \\
    -H "idempotency-key: $(date +%s)" -H "authorization: Bearer ${token("publisher")}" \\
    -d '{"type":"statement.render","payload":{"creatorId":"c1","month":"${month}"}}'

Ctrl-C stops it; work in flight finishes first.
`;
}
