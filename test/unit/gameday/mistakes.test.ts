import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { brokenAcceptance } from "../../gameday/rounds/bad-deploy.ts";
import { choosyWorker } from "../../gameday/rounds/poison-messages.ts";
import { broken } from "../../gameday/sources.ts";

const repository = join(import.meta.dirname, "../../..");

test.each([brokenAcceptance, choosyWorker])("a mistake of the game day fits $file", (mistake) => {
  const source = readFileSync(join(repository, mistake.file), "utf8");
  expect(broken(source, mistake)).toContain(mistake.becomes);
});

test("one that does not fit any more is an error that says where", () => {
  expect(() => broken("other code", brokenAcceptance)).toThrow(brokenAcceptance.file);
});
