import { z } from "zod";
import { limits } from "../../core/contracts/limits.ts";
import { type Api, ApiFailure, describe } from "../api/api-client.ts";
import { boundedTasks } from "./bounded-tasks.ts";
import type { ExpectedCounts, ImportedEngagement } from "./expected-counts.ts";
import type { ArticleRegistrar } from "./register-articles.ts";
import { type Tally, tally } from "./tally.ts";

export interface SentTotals {
  /** Engagements offered, repeated ones included. */
  readonly offered: number;
  readonly accepted: number;
  readonly newArticles: number;
  /** Engagements refused by the API, by its reason. */
  readonly refused: Tally;
  /** Articles that the API would not register, by its reason; their engagements were not sent. */
  readonly refusedArticles: Tally;
}

export interface Sender {
  /** Takes an engagement; waits while enough requests are under way. */
  add(engagement: ImportedEngagement, about: About): Promise<void>;
  /** Sends what is left and waits for every answer. */
  finish(): Promise<SentTotals>;
}

/** What is not sent with an engagement. */
interface About {
  /** Whom its article pays, should it not be registered yet. */
  readonly creatorId: string;
  readonly isBot: boolean;
}

interface Item {
  readonly engagement: ImportedEngagement;
  readonly about: About;
}

const batchesAtOnce = 4;
/** Of the API's limit for a body, some is kept for the envelope. */
const maxBatchBytes = limits.maxBodyBytes - 1_024;

const answerShape = z.object({
  accepted: z.number().default(0),
  rejected: z
    .array(z.object({ index: z.number(), code: z.string(), detail: z.string() }))
    .default([]),
});

export function sender(deps: {
  readonly api: Api;
  readonly registrar: ArticleRegistrar;
  readonly expected: ExpectedCounts;
}): Sender {
  const tasks = boundedTasks(batchesAtOnce);
  const totals = { offered: 0, accepted: 0, newArticles: 0 };
  const [refused, refusedArticles] = [tally(), tally()];
  const registered = new Set<string>();
  let batch: Item[] = [];
  let batchBytes = 0;

  async function deliver(items: readonly Item[]): Promise<void> {
    const ready = (await Promise.all(items.map(register))).filter((item) => item !== undefined);
    if (ready.length === 0) return;
    const { accepted, rejected } = await post(
      deps.api,
      ready.map(({ engagement }) => engagement),
    );
    const refusals = new Map(rejected.map((rejection) => [rejection.index, rejection]));
    totals.accepted += accepted;
    ready.forEach(({ engagement, about, article }, index) => {
      const refusal = refusals.get(index);
      if (refusal === undefined) deps.expected.note(engagement, article, about.isBot);
      else refused.add(`${refusal.code}: ${refusal.detail}`);
    });
  }

  async function register({ engagement, about }: Item) {
    const { articleId } = engagement;
    const registration = await deps.registrar.ensure(articleId, about.creatorId);
    if ("article" in registration) {
      if (registration.isNew && !registered.has(articleId)) totals.newArticles += 1;
      registered.add(articleId);
      return { engagement, about, article: registration.article };
    }
    refusedArticles.add(registration.refused, articleId);
    return undefined;
  }

  async function flush(): Promise<void> {
    const items = batch;
    [batch, batchBytes] = [[], 0];
    if (items.length > 0) await tasks.start(() => deliver(items));
  }

  return {
    async add(engagement, about) {
      const bytes = Buffer.byteLength(JSON.stringify(engagement)) + 1;
      if (batch.length === limits.maxBatchEngagements || batchBytes + bytes > maxBatchBytes) {
        await flush();
      }
      batch.push({ engagement, about });
      batchBytes += bytes;
      totals.offered += 1;
    },
    async finish() {
      await flush();
      await tasks.finish();
      return { ...totals, refused, refusedArticles };
    },
  };
}

async function post(api: Api, engagements: readonly ImportedEngagement[]) {
  const path = "/v1/engagements/batch";
  const answer = await api({ as: "publisher", method: "POST", path, body: { engagements } });
  const parsed = answerShape.safeParse(answer.body);
  // 400 with a list: none was acceptable. Without one, the whole request was not understood.
  const listed = answer.status === 400 && parsed.success && parsed.data.rejected.length > 0;
  if (parsed.success && (answer.status === 202 || listed)) return parsed.data;
  throw new ApiFailure(`POST ${path}: unexpected answer ${describe(answer)}`, answer.status);
}
