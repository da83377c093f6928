import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatDay, yesterdayMs } from "../../cli/import-log/rebase.ts";
import { type ApiClient, apiClient } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { repository } from "./support/program.ts";
import { runPennyline } from "./support/run-pennyline.ts";

const fixture = join(repository, "test/fixtures/access-log.txt");
// Fixed for the whole file, so that midnight may pass meanwhile.
const yesterday = formatDay(yesterdayMs(Date.now()));

/** Counted by hand from the fixture: [article, views, search visits]. */
const expected = {
  site: [["/", 1, 0]],
  about: [["/about", 1, 0]],
  blog: [
    ["//blog/first-post", 1, 0],
    ["/blog/first-post", 4, 1],
    ["/blog/old%20post.xhtml", 1, 0],
    ['/blog/say-\\"hi\\"', 1, 0],
  ],
  docs: [
    ["/docs/caf%C3%A9", 1, 0],
    ["/docs/guide.html", 2, 1],
  ],
};
const distinct = 14;

let cloud: TestCloud;
let api: ApiClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
});
afterAll(() => stopTestCloud(cloud));

const importLog = (args: readonly string[], input?: Buffer) =>
  runPennyline(["import-log", ...args], {
    port: new URL(cloud.url).port,
    ...(input === undefined ? {} : { input }),
  });

const junk = Buffer.from('\n{"a": "log", "of": "another kind"}\n{"a": "log"}\n');

interface Item {
  readonly articleId: string;
}

async function earnings() {
  const entries = Object.keys(expected).map(async (creatorId) => {
    const path = `/v1/creators/${creatorId}/earnings`;
    const { body } = await api.call("GET", path, { token: api.publisher });
    const items: { articleId: string; views: number; searchVisits: number }[] = body.items;
    return [
      creatorId,
      items.map(({ articleId, views, searchVisits }) => [articleId, views, searchVisits]),
    ];
  });
  return Object.fromEntries(await Promise.all(entries));
}

describe("import-log", () => {
  const options = () => ["--data-dir", cloud.dataDir.path];

  it("fails when everything is older than the API takes, and says what to do", async () => {
    const { exitCode, stdout, stderr } = await importLog([fixture, ...options()]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /import-log: 0 of 21 requests were imported: the log's are [\d,]+ to [\d,]+ days old, the API takes engagements at most 35 days old; run again with --rebase to move them to yesterday\n/,
    );
    expect(stdout).toMatch(/refused, too_old: .* 35 days back +14/);
    expect(stdout).toContain("--rebase moves");
    expect((await api.proof()).counted.engagements).toBe("0");
  });

  it("counts what a person counts in the log", async () => {
    const { exitCode, stdout, stderr } = await importLog([
      fixture,
      "--rebase-to",
      yesterday,
      ...options(),
    ]);
    expect(stderr).not.toContain("import-log:");
    expect(exitCode).toBe(0);
    expect(await earnings()).toEqual(expected);
    expect(await api.proof()).toMatchObject({
      ok: true,
      counted: { engagements: String(distinct) },
    });
    for (const line of [
      /lines read +21/,
      /visits +14, of these from a search engine 2/,
      /newly counted +14/,
      /blog +7 +1 +0 +0 +\$0\.008500 +\$0\.000000\n/,
      /paid +14 +100\.0 %/,
      /duplicates +2\n/,
      /not a GET +2/,
      /status other than 200 +1/,
      /a file that is not a page +1/,
      /a bot, by its user agent +2/,
      /broken line +1/,
      /line 15: does not begin with address/,
      /Everything adds up\./,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  it("changes nothing the second time, gzipped and through a pipe", async () => {
    const log = gzipSync(readFileSync(fixture, "utf8").replaceAll("\n", "\r\n"));
    const { exitCode, stdout } = await importLog(
      ["-", "--rebase-to", yesterday, ...options()],
      log,
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/newly counted +0/);
    expect(stdout).toMatch(/of these new 0/);
    expect(await earnings()).toEqual(expected);
  });

  it("imports what is whole of a log that is not, and then fails", async () => {
    const file = join(cloud.dataDir.path, "cut.gz");
    const log = readFileSync(fixture);
    writeFileSync(file, gzipSync(Buffer.concat([log, log])).subarray(0, -12));
    const { exitCode, stderr } = await importLog([file, "--rebase-to", yesterday, ...options()]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("damaged");
    expect(await earnings()).toEqual(expected);
  });

  it("works against a stack that it knows only by URL and tokens", async () => {
    const tokens = ["--token", api.publisher, "--admin-token", api.admin];
    const key = ["--reader-key", "another key, so other readers"];
    const { exitCode, stdout } = await importLog([
      fixture,
      ...["--rebase-to", yesterday, "--api", cloud.url],
      ...tokens,
      ...key,
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/newly counted +14/);
  });

  it("counts bots that it is told to send as void, once", async () => {
    const withBots = [fixture, "--rebase-to", yesterday, "--include-bots", ...options()];
    const { exitCode, stdout } = await importLog(withBots);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/different ones +16 .*, of these by known bots 2/);
    expect(stdout).toMatch(/newly counted +2\n/);
    expect(stdout).toMatch(/void, bot +2 /);
    const [path, token] = ["/v1/creators/blog/earnings", api.publisher];
    const { body } = await api.call("GET", path, { token });
    const post = body.items.find(({ articleId }: Item) => articleId === "/blog/first-post");
    // Twice as many as in the log: another test imports it with another reader key.
    expect(post).toMatchObject({ views: 8, searchVisits: 2, held: {}, void: { bot: 2 } });
    expect((await importLog(withBots)).stdout).toMatch(/newly counted +0\n/);
    const traffic = await api.call("GET", "/v1/admin/invalid-traffic", { token: api.admin });
    expect(traffic.body.void).toMatchObject({ total: "2", byReason: { bot: "2" } });
    expect(traffic.body.note).toContain("engagements and paid contain the canary's test views");
  });

  it("reports what is held of a reader who reads too much", async () => {
    const day = "10/Mar/2024";
    const lines = Array.from(
      { length: 125 },
      (_, page) =>
        `203.0.113.9 - - [${day}:09:00:00 +0000] "GET /hasty/${page} HTTP/1.1" 200 5 "-" ` +
        '"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"\n',
    );
    const { exitCode, stdout } = await importLog(
      ["-", "--rebase-to", yesterday, ...options()],
      Buffer.from(lines.join("")),
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/newly counted +125\n/);
    expect(stdout).toMatch(/paid +120 +96\.0 %/);
    expect(stdout).toMatch(/held, over_rate +5 +4\.0 %/);
    expect(stdout).toMatch(/payable +\$0\.120000\n +held +\$0\.005000/);
    const balance = await api.call("GET", "/v1/creators/hasty/balance", { token: api.publisher });
    expect(balance.body).toMatchObject({ settledMicros: "0", pendingMicros: "120000" });
  });

  const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  const logOf = (...targets: string[]) =>
    Buffer.from(
      targets
        .map(
          (target) =>
            `203.0.113.7 - - [10/Mar/2024:10:00:00 +0000] "GET ${target} HTTP/1.1" 200 5 "-" "${agent}"\n`,
        )
        .join(""),
    );

  it("counts pages of articles alone, for creators and ids that patterns find in paths", async () => {
    const log = logOf(
      ...["/@lovelace/on-engines/", "/@lovelace/on-engines/amp", "/@babbage/on-tables"],
      ...["/@babbage/drafts/secret", "/about", "/tag/engines", "/feed/", "/search?q=x", "/page/2/"],
    );
    const { exitCode, stdout } = await importLog(
      [
        ...["-", "--rebase-to", yesterday, "--exclude", "/*/drafts/**", "--json"],
        ...["--creator-from", "^/@(?<creator>[^/]+)/"],
        ...["--article-from", "^(?<article>/@[^/]+/[^/]+)", ...options()],
      ],
      log,
    );
    expect(exitCode).toBe(0);
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({
      ...{ ok: true, newlyCounted: "2", missing: 0 },
      read: { lines: 9, visits: 3, skipped: { listing: 4, excluded: 1, no_article: 1 } },
      proof: { ok: true },
    });
    expect(answer.articles).toEqual([
      {
        ...{ creatorId: "babbage", articleId: "/@babbage/on-tables", views: 1, searchVisits: 0 },
        ...{ held: 0, void: 0, paidMicros: "1000", heldMicros: "0" },
      },
      {
        ...{ creatorId: "lovelace", articleId: "/@lovelace/on-engines", views: 1, searchVisits: 0 },
        ...{ held: 0, void: 0, paidMicros: "1000", heldMicros: "0" },
      },
    ]);
  });

  it("fails when no line is an article's, and says what they are", async () => {
    const log = logOf("/tag/engines", "/feed/");
    const args = ["-", "--rebase-to", yesterday, ...options()];
    const { exitCode, stderr } = await importLog(args, log);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      "0 of 2 requests were imported: 2 a list, feed or search page, not an article (--include-listings)",
    );
    const creator = ["--creator", "editors", "--include-listings"];
    expect((await importLog([...args, ...creator], log)).exitCode).toBe(0);
    expect(await api.balance("editors")).toMatchObject({ pendingMicros: "2000" });
  });

  it("does not count the canary's views as imported, or as earned by anyone", async () => {
    const before = await api.proof();
    await cloud.fireSchedule("pennyline-local-run-canary");
    await cloud.waitUntilIdle();
    const after = await api.proof();
    expect(after.canary).toEqual({
      ...{ creatorId: "pennyline-canary", engagements: "1", micros: "0", entries: 0 },
      note: expect.stringContaining("in the totals above"),
    });
    const counted = (proof: typeof after) => BigInt(proof.counted.engagements);
    expect(counted(after)).toBe(counted(before) + 1n);
    expect(after.counted.micros).toBe(before.counted.micros);
    const { stdout } = await importLog([fixture, "--rebase-to", yesterday, ...options()]);
    expect(stdout).toMatch(new RegExp(`counted +${before.counted.engagements} engagements`));
    expect(stdout).toMatch(
      /the canary, beside all that +1 test view in 0 entries, worth \$0\.000000/,
    );
  });

  it("fails for a file that is no such log, and names its first line", async () => {
    const { exitCode, stderr } = await importLog(["-", "--rebase", ...options()], junk);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      "import-log: no line of 2 is in combined log format; " +
        "line 2 does not begin with address, user and [time]",
    );
  });

  it("has nothing against an empty log", async () => {
    const { exitCode } = await importLog(["-", ...options()], Buffer.alloc(0));
    expect(exitCode).toBe(0);
  });

  it.each([
    [["a.log", "--creator-from", "^/(@"], "--creator-from is not a regular expression"],
    [["--nonsense"], "Try: npx pennyline help import-log"],
    [["no-such.log"], "cannot read no-such.log"],
  ])("exits with 2 for %j", async (args, message) => {
    const { exitCode, stderr } = await importLog(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});
