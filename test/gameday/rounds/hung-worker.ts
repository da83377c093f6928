import { z } from "zod";
import { type Day, look, type Round } from "../day.ts";

const worker = "settle-creator";
const balanceShape = z.object({ settledMicros: z.string(), pendingMicros: z.string() });

export const hungWorker: Round = {
  name: "hung worker",
  what:
    "What settles money waits for something that never answers, until its time-out: money stays " +
    "pending, and nothing else is held up.",
  async play(day, story) {
    const longerThanItsTimeOut = { chance: 1, ms: 300_000 };
    await day.inject("hang", { [`pennyline-local-${worker}`]: { hangMs: longerThanItsTimeOut } });
    story.fault(`each run of ${worker} hangs for its 60 s`);
    await story.alarm(`${worker}-oldest-message`);
    await look(day, story, "status");
    const stuck = await balanceOf(day);
    story.tell(`Ada's ${stuck.pendingMicros} micros are pending; she sees them all the same.`);
    await day.end("hang");
    story.repaired("what it waited for answers again; what hung comes back by itself");
    await day.until("money is settled again", async () => {
      const { settledMicros, pendingMicros } = await balanceOf(day);
      const found = BigInt(settledMicros) > BigInt(stuck.settledMicros) ? true : undefined;
      return { found, seen: `${settledMicros} settled, ${pendingMicros} pending` };
    });
    await story.recovered("what was pending is settled");
  },
};

async function balanceOf(day: Day) {
  const path = "/v1/creators/ada/balance";
  const { body } = await day.api({ as: "publisher", method: "GET", path });
  return balanceShape.parse(body);
}
