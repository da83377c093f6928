import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connectionOptions, readConnection } from "../../../cli/api/connection.ts";
import { parseWords } from "../../../cli/program/command.ts";

const read = (args: readonly string[], env: NodeJS.ProcessEnv) =>
  readConnection("proof", parseWords(args, connectionOptions).values, env);

describe("readConnection", () => {
  it("means the embedded cloud on PORT unless told otherwise", () => {
    expect(read([], {})).toMatchObject({
      baseUrl: "http://127.0.0.1:4000",
      dataDir: join(".pennyline", "4000"),
      tokens: { admin: undefined },
    });
    expect(read(["--data-dir", "d"], { PORT: "4001" })).toMatchObject({
      baseUrl: "http://127.0.0.1:4001",
      dataDir: "d",
    });
  });

  it("takes a deployed stage with its token, from the command line or the environment", () => {
    const api = ["--api", "https://x.example/prod/"];
    const deployed = { baseUrl: "https://x.example/prod", tokens: { admin: "t" } };
    expect(read([...api, "--token", "t"], {})).toMatchObject(deployed);
    expect(read(api, { PENNYLINE_TOKEN: "t" })).toMatchObject(deployed);
    expect(read(api, { PENNYLINE_TOKEN: "p", PENNYLINE_ADMIN_TOKEN: "t" })).toMatchObject(deployed);
    const env = { PENNYLINE_API: "https://x.example/prod", PENNYLINE_TOKEN: "t" };
    expect(read([], env)).toMatchObject(deployed);
  });

  it("means the copy on this machine by a folder, whatever the environment says", () => {
    const env = { PENNYLINE_API: "https://x.example", PENNYLINE_TOKEN: "t" };
    expect(read(["--data-dir", "d"], env)).toMatchObject({
      ...{ baseUrl: "http://127.0.0.1:4000", dataDir: "d", tokens: { admin: undefined } },
    });
  });

  it.each([
    [["--jason"], "--jason"],
    [["--api", "x.example", "--token", "t"], "URL"],
    [["--api", "http://x.example", "--token", "t"], "use https"],
    [["--api", "http://127.0.0.1.x.example", "--token", "t"], "use https"],
    [["--api", "https://x.example"], "--token"],
    [["--api", "https://x.example", "--token", ""], "--token"],
  ])("says what is wrong with %j", (args, message) => {
    expect(() => read(args, {})).toThrow(message);
  });

  it("says what is wrong with PORT", () => {
    expect(() => read([], { PORT: "http" })).toThrow("PORT");
  });
});
