import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { options, readOptions as read } from "../../../cli/import-log/command.ts";
import { parseWords } from "../../../cli/program/command.ts";

function readOptions(args: readonly string[], env: NodeJS.ProcessEnv) {
  const { words, values } = parseWords(args, options);
  return read(words, values, env);
}

describe("readOptions", () => {
  it("means the embedded cloud on PORT unless told otherwise", () => {
    expect(readOptions(["a.log"], {})).toMatchObject({
      file: "a.log",
      baseUrl: "http://127.0.0.1:4000",
      deployed: false,
      dataDir: join(".pennyline", "4000"),
      rebaseTo: undefined,
      includeBots: false,
      all: false,
      patienceMs: 120_000,
    });
    expect(readOptions(["-", "--data-dir", "d"], { PORT: "4001" })).toMatchObject({
      file: "-",
      baseUrl: "http://127.0.0.1:4001",
      dataDir: "d",
    });
  });

  it("takes a deployed stage with its tokens, from the command line or the environment", () => {
    const api = ["a.log", "--api", "https://x.example/prod/"];
    expect(readOptions([...api, "--token", "t"], {})).toMatchObject({
      baseUrl: "https://x.example/prod",
      deployed: true,
      publisherToken: "t",
      adminToken: "t",
      dataDir: join(".pennyline", "deployed"),
    });
    const env = {
      PENNYLINE_TOKEN: "p",
      PENNYLINE_ADMIN_TOKEN: "a",
      PENNYLINE_READER_KEY: "0123456789abcdef",
    };
    expect(readOptions(api, env)).toMatchObject({
      publisherToken: "p",
      adminToken: "a",
      readerKey: "0123456789abcdef",
    });
  });

  it("reads where times shall go", () => {
    expect(readOptions(["a", "--rebase"], {})).toMatchObject({ rebaseTo: "yesterday" });
    expect(readOptions(["a", "--rebase-to", "2026-01-31"], {})).toMatchObject({
      rebaseTo: Date.UTC(2026, 0, 31),
    });
  });

  it("reads which paths are articles, and whose", () => {
    const creator = "^/@(?<creator>[^/]+)/";
    const paths = [
      "--creator-from",
      creator,
      "--creator",
      "jo",
      "--exclude",
      "/a",
      "--exclude",
      "**/b",
    ];
    expect(readOptions(["a.log", ...paths, "--include-listings"], {})).toMatchObject({
      includeListings: true,
      paths: {
        ...{ exclude: ["/a", "**/b"], creator: "jo", articleFrom: undefined },
        creatorFrom: new RegExp(creator),
      },
    });
  });

  it("minds the environment's tokens for a deployed stage only", () => {
    const env = { PENNYLINE_TOKEN: "p", PENNYLINE_ADMIN_TOKEN: "a" };
    expect(readOptions(["a.log"], env)).toMatchObject({
      publisherToken: undefined,
      adminToken: undefined,
    });
    expect(readOptions(["a.log"], { ...env, PENNYLINE_API: "https://x.example" })).toMatchObject({
      baseUrl: "https://x.example",
      publisherToken: "p",
    });
  });

  it.each([
    [[], "name a log"],
    [["a", "b"], "one at a time"],
    [["a", "--rebas"], "--rebas"],
    [["a", "--api", "ftp://x"], "URL"],
    [["a", "--api", "x.example", "--token", "t"], "URL"],
    [["a", "--api", "https://x.example"], "--token"],
    [["a", "--rebase-to", "2026-02-30"], "not a day"],
    [["a", "--reader-key", "short"], "16"],
    [["a", "--exclude", "drafts"], "write /drafts or **/drafts"],
    [["a", "--creator-from", "["], "--creator-from is not a regular expression: /[/: Unterminated"],
    [["a", "--article-from", "^/(?<post>.+)"], "--article-from needs a group (?<article>…), for"],
    [["a", "--creator", ""], "--creator"],
    [["a", "--wait", "long"], "--wait must be"],
  ])("says what is wrong with %j", (args, message) => {
    expect(() => readOptions(args, {})).toThrow(message);
  });

  it("says what is wrong with PORT", () => {
    expect(() => readOptions(["a"], { PORT: "http" })).toThrow("PORT");
  });
});
