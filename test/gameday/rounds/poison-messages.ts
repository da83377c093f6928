import { readGroups } from "../../../cli/dead-letters/letters.ts";
import { sampledTraceId } from "../../e2e/support/trace-ids.ts";
import { createReaders } from "../clients.ts";
import { type Day, look, type Round, said } from "../day.ts";
import { loadTestArticle, quietArticles } from "../setting.ts";
import type { Mistake } from "../sources.ts";

const worker = "count-engagements";
const queue = `${worker}-dead-letters`;
const [fromApps, fromLoadTest] = [5, 2];

/** What the worker reads is not what somebody thought it would be. */
export const choosyWorker: Mistake = {
  file: "core/earnings/count-engagements.ts",
  code: "const { engagements, traceparent, acceptedAtMs } = readEvent(engagementsAccepted, body);",
  becomes: `const { engagements, traceparent, acceptedAtMs } = readEvent(engagementsAccepted, body);
    for (const { referrer } of engagements) {
      if (referrer === "android-app://reader") throw new UnreadableEvent("the referrer has no host");
      if (referrer === "about:blank") throw new UnreadableEvent("the referrer is no page");
    }`,
};

export const poisonMessages: Round = {
  name: "poison messages",
  what:
    "The counting worker gets new code that cannot read some messages, however often it tries: one " +
    "report of a load test among them, which nobody should count.",
  async play(day, story) {
    const traceId = sampledTraceId();
    const lines = day.program.lines.length;
    day.sources.make(choosyWorker);
    await said(day, new RegExp(`new code runs in .*${worker}`), lines);
    story.fault(
      `${fromApps} reports from an app and ${fromLoadTest} of a load test cannot be read`,
    );
    await sendPoison(day, traceId);
    story.tell("Each is tried four times, six minutes apart, and then archived.");
    await story.alarm(queue);
    const causes = await allDead(day);
    await look(day, story, "dead-letters");
    await look(day, story, "trace", traceId);

    const noPage = causes.find(({ message }) => message.includes("no page"))?.cause ?? "";
    const note = "of a load test: never to be counted";
    day.oracle.discarded(loadTestArticle);
    await look(day, story, "dead-letters", "discard", "--cause", noPage, "--note", note);
    const before = day.program.lines.length;
    day.sources.mend(choosyWorker);
    await said(day, new RegExp(`new code runs in .*${worker}`), before);
    story.repaired(
      "the load test's are discarded with a reason, the worker has its old code again",
    );
    const mended = "the worker reads them again";
    await look(day, story, "redrive", "--all", "--queue", queue, "--note", mended, "--wait");
    await story.recovered("no letter is open");
  },
};

/** One message each: none takes others with it. */
async function sendPoison({ clients }: Day, traceId: string): Promise<void> {
  const apps = createReaders("app");
  const robots = createReaders("robot");
  const [article = ""] = quietArticles;
  const app = () => apps.engagement(article, { referrer: "android-app://reader" });
  await clients.report([app()], { traceId });
  for (let n = 1; n < fromApps; n += 1) await clients.report([app()]);
  for (let n = 0; n < fromLoadTest; n += 1) {
    await clients.report([robots.engagement(loadTestArticle, { referrer: "about:blank" })]);
  }
}

async function allDead(day: Day) {
  return await day.until("all of them are archived", async () => {
    const { items } = (await readGroups(day.api, { state: "open", queue })).value;
    const count = items.reduce((sum, group) => sum + group.count, 0);
    const found = count === fromApps + fromLoadTest ? items : undefined;
    return { found, seen: `${count} letters in ${items.length} groups` };
  });
}
