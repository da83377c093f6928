import type { Article, Kind } from "./oracle.ts";

/** A minute of schedules, alarms and CodeDeploy: so short that hours of a bad day take minutes. */
export const minuteMs = 2_500;

/** What is different from the stage `local`: limits that the traffic of one machine reaches. */
export const settings = {
  /** As deployed: new code of what accepts has a tenth of the requests first. */
  release: "Canary10Percent5Minutes",
  alarms: { backlogMessages: 80, apiServerErrors: 5 },
  backpressure: {
    money: {
      soft: { waiting: 80, oldestSeconds: 3_600 },
      hard: { waiting: 160, oldestSeconds: 7_200 },
      full: { waiting: 240, oldestSeconds: 86_400 },
    },
  },
};

export const prices: Readonly<Record<Kind, bigint>> = {
  view: 1_000n,
  read: 3_000n,
  reaction: 500n,
};

export const viralArticle = "viral";
/** What is read while all of it is killed. */
export const killedArticle = "finale";
export const loadTestArticle = "load-test";
/** Nobody has registered it: what is reported of it is refused. */
export const strangeArticle = "never-registered";
export const quietArticles = ["chapter-1", "chapter-2", "essay", "poem"];

export const articles: readonly Article[] = [
  { articleId: viralArticle, shares: { ada: 70, bob: 30 } },
  { articleId: "chapter-1", shares: { ada: 100 } },
  { articleId: "chapter-2", shares: { bob: 100 } },
  { articleId: "essay", shares: { cleo: 50, ada: 50 } },
  { articleId: "poem", shares: { cleo: 100 } },
  { articleId: killedArticle, shares: { bob: 100 } },
  { articleId: loadTestArticle, shares: { nobody: 100 } },
];
