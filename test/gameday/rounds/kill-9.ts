import { readBooks } from "../books.ts";
import { createReaders } from "../clients.ts";
import { type Day, look, type Round } from "../day.ts";
import { startLanes, times } from "../lanes.ts";
import { kinds } from "../oracle.ts";
import { articles, killedArticle } from "../setting.ts";

const lanes = 6;
const perBatch = 20;
const unanswered = 2;

export const kill9: Round = {
  name: "kill -9",
  what: "All of it is killed in the middle of its work, and started again on what it had written.",
  async play(day, story) {
    const { operator, program } = day;
    const load = startLoad(day);
    await day.until("there is load", async () => ({
      found: load.accepted() > 500 ? true : undefined,
      seen: `${load.accepted()} accepted`,
    }));
    await program.kill();
    story.fault(`kill -9, when ${load.accepted()} engagements of one article were accepted`);
    const screen = await operator.run("status");
    story.show(screen.command, screen.lines);
    if (screen.exitCode !== unanswered) throw new Error(`status ended with ${screen.exitCode}`);
    story.noticed(screen.command, "no alarm is left that could ring, but status ends with 2");
    await program.start();
    story.repaired("npm start, on the same folder");
    // Also those whose answer was cut off: they are sent again until they are answered.
    await load.stop();
    const accepted = load.accepted();
    await day.until("all of them are counted, once", async () => {
      const counted = await countedOf(day, killedArticle);
      return { found: counted === accepted || undefined, seen: `${counted} of ${accepted}` };
    });
    await story.recovered(`all ${accepted} that were accepted by now are counted, each once`);
    await look(day, story, "status");
  },
};

async function countedOf({ api }: Day, articleId: string): Promise<number> {
  const { earned } = await readBooks(api, articles);
  const counts = earned.find((one) => one.articleId === articleId)?.counts;
  return kinds.reduce((sum, kind) => sum + (counts?.[kind] ?? 0), 0);
}

function startLoad({ clients }: Day) {
  let accepted = 0;
  const crowd = createReaders("kill");
  const { stop } = startLanes(
    times(lanes, () => async () => {
      await clients.report(crowd.mixed(killedArticle, perBatch));
      accepted += perBatch;
    }),
  );
  return { accepted: () => accepted, stop };
}
