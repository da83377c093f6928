import { createReaders } from "../clients.ts";
import { type Day, look, type Round, said } from "../day.ts";
import { startLanes, times } from "../lanes.ts";
import { quietArticles } from "../setting.ts";
import type { Mistake } from "../sources.ts";

const released = "accept-publisher-engagements";
const lanes = 4;

/** It loads, and fails whenever it is used. */
export const brokenAcceptance: Mistake = {
  file: `lambdas/${released}/handler.ts`,
  code: "const body = jsonBody(event);",
  becomes: `const body = jsonBody(event);
    if (body !== undefined) throw new TypeError("body.length is not a function");`,
};

export const badDeploy: Round = {
  name: "bad deploy",
  what:
    "What accepts publishers' reports gets new code that answers 500. A tenth of the requests has " +
    "it, for five minutes; an alarm takes it back.",
  async play(day, story) {
    const { clients, program, sources } = day;
    const lines = program.lines.length;
    sources.make(brokenAcceptance);
    await said(day, new RegExp(`new code of .*${released} has 10 %`), lines);
    story.fault(`new code of ${released} serves one request in ten`);
    const beginsMs = Date.now();
    const traffic = startTraffic(day);
    await story.alarm("api-server-errors");
    const rolledBack = await said(day, new RegExp(`${released} NOT RELOADED`), lines);
    story.repaired(`by itself: ${rolledBack.replaceAll("pennyline-local-", "")}`);
    const backMs = Date.now();
    await look(day, story, "alarms");
    const failed = clients.lastFailedTraceId();
    if (failed !== undefined) await look(day, story, "trace", failed);
    sources.mend(brokenAcceptance);
    await story.recovered("the old code answers all");
    await traffic.stop();
    const [during, after] = [clients.since(beginsMs).byStatus, clients.since(backMs).byStatus];
    story.tell(
      `${during["500"] ?? 0} requests were answered 500, and sent again; ${after["500"] ?? 0} of them ` +
        "were under way when it was taken back.",
    );
  },
};

function startTraffic({ clients }: Day) {
  const server = createReaders("deploy");
  const [, article = ""] = quietArticles;
  return startLanes(times(lanes, () => () => clients.report([server.engagement(article)])));
}
