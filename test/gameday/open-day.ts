import { randomUUID } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiClient } from "../../cli/api/api-client.ts";
import { systemPacing } from "../../cli/api/connect.ts";
import type { Role } from "../../core/contracts/routes.ts";
import { dataDirAt } from "../../local/data-dir.ts";
import { readDevIssuer } from "../../local/dev-issuer.ts";
import type { FaultPlan } from "../../local/faults.ts";
import { alarmBoard } from "./alarms.ts";
import { createClients } from "./clients.ts";
import { type Day, said } from "./day.ts";
import { createOperator } from "./operator.ts";
import { createOracle } from "./oracle.ts";
import { createProgram, quietPort } from "./program.ts";
import { articles, minuteMs, prices, settings } from "./setting.ts";
import { copySources } from "./sources.ts";
import { untilBefore } from "./until.ts";

/** Starts the application on a copy of its sources, and registers what is written there. */
export async function openDay(folder: string, deadlineMs: number): Promise<Day> {
  const sources = copySources(folder, settings);
  const faultsFile = join(folder, "faults.json");
  const port = await quietPort();
  const program = createProgram({ folder, faultsFile, port, minuteMs });
  await program.start();

  const baseUrl = `http://127.0.0.1:${port}`;
  const url = () => baseUrl;
  const tokenFor = await tokens(program.dataDir);
  const api = apiClient({ baseUrl, tokenFor, pacing: systemPacing });
  const oracle = createOracle(articles, prices, ["unknown_article"]);
  const publisherToken = () => tokenFor("publisher");
  const faults = new Map<string, NonNullable<FaultPlan["functions"]>>();
  const strike = async () => {
    const line = program.lines.length;
    const functions = Object.assign({}, ...faults.values());
    // Written beside it first: the program never reads half a plan.
    writeFileSync(`${faultsFile}.new`, JSON.stringify({ functions }));
    renameSync(`${faultsFile}.new`, faultsFile);
    await said(day, /^faults: /, line);
  };
  const day: Day = {
    ...{ sources, program, api, oracle },
    operator: createOperator(program),
    clients: createClients({ url, publisherToken, oracle, minuteMs, deadlineMs }),
    board: alarmBoard(url),
    until: untilBefore(deadlineMs),
    deadlineMs,
    async inject(name, functions) {
      faults.set(name, functions);
      await strike();
    },
    async end(name) {
      faults.delete(name);
      await strike();
    },
  };
  await register(day);
  return day;
}

async function tokens(dataDir: string): Promise<(role: Role) => Promise<string>> {
  const issuer = await readDevIssuer(dataDirAt(dataDir).issuer);
  const minted = new Map<Role, Promise<string>>();
  return (role) => {
    const token = minted.get(role) ?? issuer.mintToken({ role, id: role });
    minted.set(role, token);
    return token;
  };
}

async function register({ api }: Day): Promise<void> {
  const put = async (path: string, body: object) => {
    const request = { as: "publisher", method: "PUT", path, body } as const;
    const { status, body: answer } = await api({ ...request, idempotencyKey: randomUUID() });
    if (status !== 200) throw new Error(`PUT ${path}: ${status} ${JSON.stringify(answer)}`);
  };
  const paid = Object.entries(prices).map(([kind, micros]) => [kind, Number(micros)]);
  const micros = { ...Object.fromEntries(paid), comment: 0, search_visit: 0 };
  await put("/v1/rate-cards/current", { currency: "USD", micros });
  for (const { articleId, shares } of articles) {
    await put(`/v1/articles/${articleId}`, {
      title: articleId,
      shares: Object.entries(shares).map(([creatorId, percent]) => ({
        ...{ creatorId, basisPoints: percent * 100 },
      })),
    });
  }
}
