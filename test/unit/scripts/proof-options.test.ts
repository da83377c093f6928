import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readOptions } from "../../../scripts/proof/options.ts";

describe("readOptions of proof", () => {
  it("means the embedded cloud on PORT unless told otherwise", () => {
    expect(readOptions([], {})).toMatchObject({
      baseUrl: "http://127.0.0.1:4000",
      dataDir: join(".pennyline", "4000"),
      tokens: { admin: undefined },
      json: false,
    });
    expect(readOptions(["--data-dir", "d", "--json"], { PORT: "4001" })).toMatchObject({
      baseUrl: "http://127.0.0.1:4001",
      dataDir: "d",
      json: true,
    });
  });

  it("takes a deployed stack with its token, from the command line or the environment", () => {
    const api = ["--api", "https://x.example/prod/"];
    expect(readOptions([...api, "--token", "t"], {})).toMatchObject({
      baseUrl: "https://x.example/prod",
      tokens: { admin: "t" },
    });
    expect(readOptions(api, { PENNYLINE_ADMIN_TOKEN: "a" })).toMatchObject({
      tokens: { admin: "a" },
    });
  });

  it("gives help before it minds anything else", () => {
    expect(readOptions(["--help"], { PORT: "http" })).toBe("help");
  });

  it.each([
    [["--jason"], "--jason"],
    [["4001"], "4001"],
    [["--api", "x.example", "--token", "t"], "URL"],
    [["--api", "https://x.example"], "--token"],
    [["--api", "https://x.example", "--token", ""], "--token"],
  ])("says what is wrong with %j", (args, message) => {
    expect(() => readOptions(args, {})).toThrow(message);
  });

  it("says what is wrong with PORT", () => {
    expect(() => readOptions([], { PORT: "http" })).toThrow("PORT");
  });
});
