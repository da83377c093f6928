import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";

/** An e-mail that was sent, as it is listed. */
export interface Mail {
  readonly id: string;
  readonly sentAt: string;
  readonly from: string;
  /** Everyone who would get it: to, cc and bcc. */
  readonly to: readonly string[];
  readonly subject: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly text?: string | undefined;
  readonly html?: string | undefined;
}

/** Where e-mails end: nothing leaves this machine. */
export interface Mailbox {
  /** Returns when the message is durable. */
  keep(mail: Mail, eml: string | Buffer): void;
  get(id: string): Mail | undefined;
  eml(id: string): Buffer;
  /** The newest first. */
  list(): Mail[];
}

const shown = 500;

export function openMailbox(directory: string, database: DatabaseSync): Mailbox {
  mkdirSync(directory, { recursive: true });
  database.exec(`CREATE TABLE IF NOT EXISTS mails (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    mail TEXT NOT NULL
  )`);
  const insert = database.prepare("INSERT INTO mails (id, mail) VALUES (?, ?)");
  const one = database.prepare("SELECT mail FROM mails WHERE id = ?");
  const latest = database.prepare("SELECT mail FROM mails ORDER BY number DESC LIMIT ?");
  const parse = (row: unknown) => JSON.parse((row as { mail: string }).mail) as Mail;
  const fileOf = (id: string) => join(directory, `${id}.eml`);
  return {
    keep(mail, eml) {
      writeFileSync(`${fileOf(mail.id)}.new`, eml, { mode: 0o600 });
      renameSync(`${fileOf(mail.id)}.new`, fileOf(mail.id));
      insert.run(mail.id, JSON.stringify(mail));
    },
    get(id) {
      const row = one.get(id);
      return row && parse(row);
    },
    eml: (id) => readFileSync(fileOf(id)),
    list: () => latest.all(shown).map(parse),
  };
}
