import { PutCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startStatusLine } from "../../local/cli/status-line.ts";
import { type ApiClient, apiClient, readerIds } from "./support/api-client.ts";
import { startTestCloud, stopTestCloud, type TestCloud } from "./support/cloud.ts";
import { cloudTables } from "./support/cloud-tables.ts";
import { runPennyline } from "./support/run-pennyline.ts";

let cloud: TestCloud;
let api: ApiClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  api = await apiClient(cloud);
  await api.putArticle("chapter-1", "ada");
  await api.postViews("chapter-1", readerIds(7));
  await cloud.waitUntilIdle();
  await cloud.fireSchedule("pennyline-local-settle-earnings");
  await cloud.waitUntilIdle();
});
afterAll(() => stopTestCloud(cloud));

const proof = (args: readonly string[], port = new URL(cloud.url).port) =>
  runPennyline(["proof", ...args], { port });
const local = () => ["--data-dir", cloud.dataDir.path];

describe("proof", () => {
  it("says what there is, and that it adds up", async () => {
    const { exitCode, stdout, stderr } = await proof(local());
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(stdout).toContain(cloud.url);
    expect(stdout).toMatch(/counted +7 engagements, each once, for 1 creator\n/);
    expect(stdout).toMatch(/in the ledger +1 entry\n/);
    expect(stdout).toMatch(/payable +\$0\.007000/);
    expect(stdout).toContain("Everything adds up.");
  });

  it("works against a stack that it knows only by URL and token", async () => {
    const { exitCode, stdout } = await proof(["--api", cloud.url, "--token", api.admin], "1");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("Everything adds up.");
  });

  it("prints the answer as it is for programs", async () => {
    const { exitCode, stdout } = await proof([...local(), "--json"]);
    expect(exitCode).toBe(0);
    const { asOf: _, ...rest } = await api.proof();
    expect(JSON.parse(stdout)).toMatchObject(rest);
  });

  it("tells the same numbers as the console and the ledger, and the canary's apart", async () => {
    const settle = async () => {
      await cloud.waitUntilIdle();
      await cloud.fireSchedule("pennyline-local-settle-earnings");
      await cloud.waitUntilIdle();
    };
    const comment = (moderation: string) =>
      api.call("POST", "/v1/engagements/batch", {
        token: api.publisher,
        body: {
          engagements: [
            {
              ...{ articleId: "chapter-1", readerId: "r", kind: "comment" },
              comment: { characters: 100, moderation },
            },
          ],
        },
      });
    // Held first, and released later: it is settled once.
    await comment("pending");
    await settle();
    await comment("approved");
    await settle();
    await cloud.fireSchedule("pennyline-local-run-canary");
    await settle();

    const balance = await api.balance("ada");
    expect(balance).toMatchObject({ settledMicros: "9000", pendingMicros: "0", heldMicros: "0" });
    const { stdout } = await proof(local());
    expect(stdout).toMatch(/counted +8 engagements, each once, for 1 creator\n/);
    expect(stdout).toMatch(/in the ledger +3 entries\n +payable +\$0\.009000\n/);
    expect(stdout).toMatch(/the canary, .* 1 test view in 1 entry, worth \$0\.000000\n/);
    const lines: string[] = [];
    startStatusLine(cloud, { isTTY: true, columns: 200, write: (text) => lines.push(text) }).stop();
    expect(lines[0]).toMatch(
      /since the start: requests \d+ · .* · counted 8 · settled \$0\.009000$/,
    );
  });

  it("names creator, entry and amount of what was changed in the ledger", async () => {
    const { client, tableOf, stop } = cloudTables(cloud);
    onTestFinished(stop);
    const TableName = tableOf("Ledger");
    const { Items = [] } = await client.send(new ScanCommand({ TableName }));
    const entry = Items.find(({ sk }) => String(sk).startsWith("entry#"));
    if (!entry) throw new Error("an entry was booked");
    const postings = entry.postings.map((posting: { account: string; amountMicros: bigint }) =>
      posting.account === "payable:ada" ? { ...posting, amountMicros: -7_005n } : posting,
    );
    const put = (Item: object) => client.send(new PutCommand({ TableName, Item }));
    await put({ ...entry, postings });
    onTestFinished(async () => void (await put(entry)));

    // Each looks again for seconds before it calls something a difference.
    const [{ exitCode, stdout }, asJson] = await Promise.all([
      proof(local()),
      proof([...local(), "--json"]),
    ]);
    expect(exitCode).toBe(1);
    expect(stdout).not.toContain("Everything adds up.");
    expect(stdout).toContain(
      'creator "ada", entry ada.0000000001: entry does not sum to zero; ' +
        "expected $0.000000, found -$0.000005, $0.000005 too little",
    );
    expect(asJson.exitCode).toBe(1);
  });
});
