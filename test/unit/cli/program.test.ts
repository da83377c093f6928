import { describe, expect, test } from "vitest";
import { commands } from "../../../cli/commands.ts";
import { command, exitCodes, type Io } from "../../../cli/program/command.ts";
import { nearest } from "../../../cli/program/nearest.ts";
import { runProgram } from "../../../cli/program/run-program.ts";
import { Refused, Unanswered } from "../../../cli/program/unanswered.ts";
import { UsageError } from "../../../local/cli/options.ts";

function recorder() {
  const [printed, noted]: [string[], string[]] = [[], []];
  const io: Io = {
    ...{ env: {}, clear: () => {}, untilStopped: () => AbortSignal.abort() },
    print: (text) => void printed.push(text),
    note: (text) => void noted.push(text),
  };
  return { io, printed, noted };
}

const failing = (error: unknown) =>
  command({
    ...{ name: "fail", summary: "Fails.", usage: [""], options: {}, exits: "1 always." },
    read: () => () => Promise.reject(error),
  });

describe("a command that fails", () => {
  test.each([
    [new Unanswered("nobody is there"), exitCodes.notAsked, 1],
    [new Refused("it was seen to"), exitCodes.no, 1],
    [new UsageError("--x is no option"), exitCodes.notAsked, 2],
    [new TypeError("a fault of ours"), exitCodes.notAsked, 2],
    ["thrown", exitCodes.notAsked, 2],
  ])("says why and ends with its code: %s", async (error, code, lines) => {
    const { io, printed, noted } = recorder();
    expect(await runProgram([failing(error)], ["fail"], io)).toBe(code);
    expect(printed).toEqual([]);
    expect(noted).toHaveLength(lines);
    expect(noted[0]).toBe(`pennyline fail: ${error instanceof Error ? error.message : error}`);
  });
});

test("what others wrote is shown, and not carried out by a terminal", async () => {
  const { io, printed, noted } = recorder();
  const evil = "\u001b]0;x\u0007\u009b2J\u202e\r\n\tend";
  const echo = command({
    ...{ name: "echo", summary: "Echoes.", usage: [""], options: {}, exits: "0 always." },
    read: () => async (within) => {
      within.print(JSON.stringify({ evil }));
      throw new Unanswered(evil);
    },
  });
  await runProgram([echo], ["echo"], io);
  const shown = "\\u001b]0;x\\u0007\\u009b2J\\u202e\\u000d\n\tend";
  expect(noted).toEqual([`pennyline echo: ${shown}`]);
  expect(printed[0]).toMatch(/^[\x20-\x7e]*$/);
  expect(JSON.parse(printed[0] ?? "")).toEqual({ evil });
});

test("says which version it is", async () => {
  const { io, printed, noted } = recorder();
  expect(await runProgram(commands, ["--version"], io)).toBe(exitCodes.yes);
  expect([printed, noted]).toEqual([[expect.stringMatching(/^\d+\.\d+\.\d+$/)], []]);
});

test("lists the roles as they are said", async () => {
  const { io, printed, noted } = recorder();
  await runProgram(commands, ["token", "--role", "reader"], io);
  expect(noted[0]).toBe("pennyline token: --role must be creator, publisher or admin");
  await runProgram(commands, ["help", "token"], io);
  expect(printed[0]).toContain("the scope of the token: creator, publisher or admin");
});

describe("help", () => {
  test("fits a terminal, and lists each command once", async () => {
    const { io, printed } = recorder();
    await runProgram(commands, [], io);
    for (const { help } of commands) printed.push(help);
    const long = printed
      .join("\n")
      .split("\n")
      .filter((line) => line.length > 100);
    expect(long).toEqual([]);
    expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length);
  });

  test("tells of every option", async () => {
    const { help } = command({
      ...{ name: "dance", summary: "Dances.", usage: ["<who>"], exits: "0 always." },
      options: { slowly: { type: "boolean", text: "at half the pace" } },
      read: () => async () => exitCodes.yes,
    });
    expect(help.split("\n")).toEqual([
      "Dances.",
      "",
      "  npx pennyline dance <who>",
      "",
      "  --slowly  at half the pace",
      "  --help    this text",
      "",
      "Exit code: 0 always. 2 when it could not be asked, or not like that.",
    ]);
  });
});

test.each([
  ["stauts", "status"],
  ["trce", "trace"],
  ["dead", "dead-letters"],
  ["redrives", "redrive"],
  ["everything", undefined],
  ["x", undefined],
])("what is nearest to %s", (word, expected) => {
  expect(
    nearest(
      word,
      commands.map(({ name }) => name),
    ),
  ).toBe(expected);
});
