import fc from "fast-check";
import { expect, test } from "vitest";
import { readHeaders, writeMessage } from "../../../local/mail/message.ts";

const message = {
  id: "id",
  date: new Date("2026-11-22T05:04:03Z"),
  from: "a@example.com",
  to: ["b@example.com"],
  cc: [],
  replyTo: [],
  subject: "hello",
  text: "x",
  html: undefined,
  headers: [],
  attachments: [],
};

test("a plain message reads as one", () => {
  expect(writeMessage(message)).toBe(
    [
      "From: a@example.com",
      "To: b@example.com",
      "Subject: hello",
      "Date: Sun, 22 Nov 2026 05:04:03 +0000",
      "Message-ID: <id@email.amazonses.com>",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: 8bit",
      "",
      "x",
      "",
    ].join("\r\n"),
  );
});

test("any subject is a header of ASCII lines that reads back the same", () => {
  const line = fc.string({ unit: "grapheme" }).filter((text) => /^[^\r\n]*$/.test(text));
  fc.assert(
    fc.property(line, (text) => {
      const subject = text.trim();
      const eml = writeMessage({ ...message, subject });
      const [head = ""] = eml.split("\r\n\r\n");
      expect(head).toMatch(/^[\x20-\x7e\r\n]*$/);
      for (const each of head.split("\r\n")) expect(each.length).toBeLessThan(998);
      expect(decode(readHeaders(eml).get("subject") ?? "")).toBe(subject);
    }),
  );
});

function decode(header: string): string {
  if (!header.startsWith("=?UTF-8?B?")) return header;
  return header
    .split(" ")
    .map((word) => Buffer.from(word.slice("=?UTF-8?B?".length, -2), "base64").toString("utf8"))
    .join("");
}
