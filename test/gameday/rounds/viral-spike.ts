import { createReaders } from "../clients.ts";
import { type Day, look, type Round } from "../day.ts";
import { startLanes, times } from "../lanes.ts";
import { viralArticle } from "../setting.ts";

/** Publisher's servers that report so many engagements at once, and pages that report one. */
const [servers, perBatch, pages] = [6, 40, 6];
const counting = "pennyline-local-count-engagements";

export const viralSpike: Round = {
  name: "viral spike",
  what:
    "One article goes viral. What accepts takes all of the account's executions, so that no worker " +
    "can be started: what is accepted waits, until even views are put off.",
  async play(day, story) {
    const { clients } = day;
    await day.inject("spike", { [counting]: { throttle: 1 } });
    const spike = startSpike(day);
    story.fault(`${servers} servers and ${pages} pages report what happens to it, flat out`);
    const beginsMs = Date.now();
    await story.alarm("count-engagements-backlog");
    await look(day, story, "status");
    const refused = () => clients.since(beginsMs).byStatus["429"] ?? 0;
    await day.until("views are answered 429", async () => ({
      found: refused() > 0 ? true : undefined,
      seen: JSON.stringify(clients.since(beginsMs).byStatus),
    }));
    story.tell(
      "Level full: engagements are refused with 429, before acceptance; clients come back.",
    );
    await day.end("spike");
    story.repaired("the account has room again (a higher limit, or the rush is over)");
    // Also what was refused: it is sent until it is accepted.
    await spike.stop();
    const { byStatus, medianMs } = clients.since(beginsMs);
    story.tell(
      `${spike.accepted()} engagements of it, accepted in the end: ${answersOf(byStatus)}; ` +
        `median ${medianMs} ms.`,
    );
    await story.recovered("the backlog is counted, and everything is accepted again");
  },
};

const answersOf = (byStatus: Readonly<Record<string, number>>) =>
  Object.entries(byStatus)
    .map(([status, count]) => `${count} × ${status}`)
    .join(", ");

function startSpike({ clients }: Day) {
  let accepted = 0;
  const crowd = createReaders("crowd");
  const lanes = startLanes([
    ...times(servers, () => async () => {
      await clients.report(crowd.mixed(viralArticle, perBatch));
      accepted += perBatch;
    }),
    ...times(pages, () => async () => {
      await clients.read(crowd.engagement(viralArticle));
      accepted += 1;
    }),
  ]);
  return { accepted: () => accepted, stop: lanes.stop };
}
