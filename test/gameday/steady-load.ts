import { setTimeout as delay } from "node:timers/promises";
import { type Clients, createReaders } from "./clients.ts";
import { type Lanes, startLanes, times } from "./lanes.ts";
import { quietArticles, strangeArticle } from "./setting.ts";

/** Some ten requests a second in all, so that faults meet work and little is hidden. */
const pauseMs = 250;
const [pageLanes, perBatch] = [2, 5];

/** Readers who come all day, whatever happens. */
export function startSteadyLoad(clients: Clients): Lanes {
  const pages = createReaders("page");
  const server = createReaders("server");
  const articleOf = (round: number) => quietArticles[round % quietArticles.length] ?? "";
  const pause = () => delay(pauseMs * (0.5 + Math.random()));
  return startLanes([
    ...times(pageLanes, () => async (round: number) => {
      await clients.read(pages.engagement(articleOf(round)));
      await pause();
    }),
    async (round) => {
      const batch = server.mixed(articleOf(round), perBatch);
      const bad = round % 10 === 0 ? [server.engagement(strangeArticle)] : [];
      await clients.report(batch, { bad });
      // A client that lost the answer.
      if (round % 7 === 0) await clients.report(batch);
      await pause();
    },
  ]);
}
