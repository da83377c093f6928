import { expect, test } from "vitest";
import type { CreatorId, ReaderId } from "../../../core/contracts/ids.ts";
import { presentCreator, putCreator, readCreator } from "../../../core/registry/creator.ts";
import { memoryRegistry } from "./memory-registry.ts";

const noon = Date.parse("2028-02-29T12:00:00Z");
const creatorId = "ada" as CreatorId;
const readerIds = ["r-ada" as ReaderId];
const payee = { name: "Ada Lovelace", iban: "DE89370400440532013000" };

test("a creator is what was put last, and no more", async () => {
  const { putCreator, creators, wait } = memoryRegistry(noon);
  await putCreator(creatorId, { name: "Ada", readerIds, payee: { ...payee, bic: undefined } });
  expect(presentCreator(await readCreator(creators, creatorId))).toEqual({
    ...{ creatorId, name: "Ada", readerIds, payee },
    updatedAt: "2028-02-29T12:00:00.000Z",
  });
  wait(1_000);
  await putCreator(creatorId, { readerIds: [], payee: null });
  expect(presentCreator(await readCreator(creators, creatorId))).toEqual({
    ...{ creatorId, readerIds: [] },
    updatedAt: "2028-02-29T12:00:01.000Z",
  });
});

test("what money follows from stays when a PUT leaves it out, and all that a PATCH leaves out", async () => {
  const { putCreator, patchCreator, creators } = memoryRegistry(noon);
  const shown = async () => presentCreator(await readCreator(creators, creatorId));
  await putCreator(creatorId, { name: "Ada", readerIds, payee });
  await putCreator(creatorId, {});
  expect(await shown()).toMatchObject({ readerIds, payee });
  expect(await shown()).not.toHaveProperty("name");
  await patchCreator(creatorId, { name: "Ada L." });
  expect(await shown()).toMatchObject({ name: "Ada L.", readerIds, payee });
  await patchCreator(creatorId, { readerIds: null });
  expect(await shown()).toMatchObject({ name: "Ada L.", readerIds: [], payee });
  const other = "bea" as CreatorId;
  await expect(patchCreator(other, { name: "Bea" })).rejects.toMatchObject({ status: 404 });
});

test("PATCHes at once, each of a field of its own, all take effect", async () => {
  const { putCreator, patchCreator, creators } = memoryRegistry(noon);
  await putCreator(creatorId, {});
  const parts = [{ name: "Ada" }, { readerIds }, { payee }];
  await Promise.all(parts.map((part) => patchCreator(creatorId, part)));
  expect(await readCreator(creators, creatorId)).toMatchObject({ name: "Ada", readerIds, payee });
});

test("one that was never registered is not there", async () => {
  const { creators } = memoryRegistry(noon);
  await expect(readCreator(creators, creatorId)).rejects.toMatchObject({ status: 404 });
});

test("writers at once all get through; one who keeps losing is told so", async () => {
  const { putCreator: put, creators, payouts, clock } = memoryRegistry(noon);
  await Promise.all(["A", "B", "C"].map((name) => put(creatorId, { name, readerIds })));
  expect(await readCreator(creators, creatorId)).toMatchObject({ revision: 3 });
  const losing = { clock, payouts, creators: { ...creators, put: async () => "raced" as const } };
  const lost = putCreator(losing, creatorId, { readerIds });
  await expect(lost).rejects.toMatchObject({ status: 409, code: "contended" });
});
