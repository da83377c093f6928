import { readBooks } from "../books.ts";
import { createReaders } from "../clients.ts";
import { type Day, look, type Round } from "../day.ts";
import { startLanes, times } from "../lanes.ts";
import { articles, quietArticles } from "../setting.ts";

const lanes = 6;
const perBatch = 20;
const unanswered = 2;

export const kill9: Round = {
  name: "kill -9",
  what: "All of it is killed in the middle of its work, and started again on what it had written.",
  async play(day, story) {
    const { oracle, operator, program } = day;
    const before = oracle.totals.accepted;
    const load = startLoad(day);
    await day.until("there is load", async () => {
      const accepted = oracle.totals.accepted - before;
      return { found: accepted > 500 ? accepted : undefined, seen: `${accepted} accepted` };
    });
    await program.kill();
    const { accepted } = oracle.totals;
    story.fault("kill -9");
    const screen = await operator.run("status");
    story.show(screen.command, screen.lines);
    if (screen.exitCode !== unanswered) throw new Error(`status ended with ${screen.exitCode}`);
    story.noticed(screen.command, "no alarm is left that could ring, but status ends with 2");
    await program.start();
    story.repaired("npm start, on the same folder");
    // Also those whose answer was cut off: they are sent again until they are answered.
    await load.stop();
    await day.until(
      "what was answered 202 before is counted",
      async () => {
        const { counted, discarded, open } = await readBooks(day.api, articles);
        const there = counted + discarded + open;
        return { found: there >= accepted ? there : undefined, seen: `${there} of ${accepted}` };
      },
      1_000,
    );
    await story.recovered(`all ${accepted} that were accepted before are accounted for`);
    await look(day, story, "status");
  },
};

function startLoad({ clients }: Day) {
  const crowd = createReaders("kill");
  const articleOf = (lane: number) => quietArticles[lane % quietArticles.length] ?? "";
  return startLanes(
    times(lanes, (lane) => () => clients.report(crowd.mixed(articleOf(lane), perBatch))),
  );
}
