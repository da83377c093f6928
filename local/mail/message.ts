import { randomBytes } from "node:crypto";

export interface Attachment {
  readonly fileName: string;
  readonly contentType: string;
  readonly disposition: "attachment" | "inline";
  readonly contentId?: string | undefined;
  readonly content: Buffer;
}

export interface SimpleMessage {
  readonly id: string;
  readonly date: Date;
  readonly from: string;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly replyTo: readonly string[];
  readonly subject: string;
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly attachments: readonly Attachment[];
}

const newline = "\r\n";

/** The message as it would go out, in the format of an `.eml` file. */
export function writeMessage(message: SimpleMessage): string {
  const bodies = [
    message.text === undefined ? [] : textPart("plain", message.text),
    message.html === undefined ? [] : textPart("html", message.html),
  ].flat();
  const [body = textPart("plain", "")[0] ?? ""] =
    bodies.length > 1 ? [multipart("alternative", bodies)] : bodies;
  const parts = [body, ...message.attachments.map(attachmentPart)];
  const addresses = (name: string, list: readonly string[]) =>
    list.length === 0 ? [] : [`${name}: ${list.map(encodeAddress).join(", ")}`];
  const headers = [
    `From: ${encodeAddress(message.from)}`,
    ...addresses("To", message.to),
    ...addresses("Cc", message.cc),
    ...addresses("Reply-To", message.replyTo),
    `Subject: ${encodeText(message.subject)}`,
    `Date: ${message.date.toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${message.id}@email.amazonses.com>`,
    ...message.headers.map(({ name, value }) => `${name}: ${encodeText(value)}`),
    "MIME-Version: 1.0",
  ];
  const content = parts.length > 1 ? multipart("mixed", parts) : body;
  return `${headers.join(newline)}${newline}${content}`;
}

function textPart(subtype: string, text: string): string[] {
  const head = `Content-Type: text/${subtype}; charset=utf-8${newline}`;
  const lines = text.replace(/\r\n|\r|\n/g, newline);
  return [`${head}Content-Transfer-Encoding: 8bit${newline}${newline}${lines}${newline}`];
}

function attachmentPart(file: Attachment): string {
  const name = encodeText(file.fileName.replaceAll('"', "'"));
  return [
    `Content-Type: ${file.contentType}; name="${name}"`,
    `Content-Disposition: ${file.disposition}; filename="${name}"`,
    ...(file.contentId === undefined ? [] : [`Content-ID: <${file.contentId}>`]),
    "Content-Transfer-Encoding: base64",
    "",
    file.content.toString("base64").replace(/.{76}/g, `$&${newline}`),
    "",
  ].join(newline);
}

function multipart(subtype: string, parts: readonly string[]): string {
  const boundary = `part-${randomBytes(12).toString("hex")}`;
  const body = parts.map((part) => `--${boundary}${newline}${part}`).join("");
  const type = `Content-Type: multipart/${subtype}; boundary="${boundary}"`;
  return `${type}${newline}${newline}${body}--${boundary}--${newline}`;
}

/** `Zoë <zoe@example.com>`: only the name can be anything but ASCII. */
function encodeAddress(address: string): string {
  const [, name, email] = /^\s*"?(.*?)"?\s*(<[^<>]+>)\s*$/.exec(address) ?? [];
  return name && email && !isAscii(name) ? `${encodeText(name)} ${email}` : address;
}

function encodeText(text: string): string {
  if (isAscii(text)) return text;
  // An encoded word has at most 75 characters: 45 bytes in base64, and no half of a character.
  const words: string[] = [];
  let word = "";
  for (const character of text) {
    if (Buffer.byteLength(word + character) > 45) {
      words.push(word);
      word = "";
    }
    word += character;
  }
  return [...words, word]
    .map((part) => `=?UTF-8?B?${Buffer.from(part).toString("base64")}?=`)
    .join(`${newline} `);
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

/** The headers of a message that somebody else wrote, by their names in lower case. */
export function readHeaders(raw: string): ReadonlyMap<string, string> {
  const [head = ""] = raw.split(/\r?\n\r?\n/, 1);
  const lines = head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}
