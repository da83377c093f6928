import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Entry } from "../events/entries.ts";
import type { EventBus } from "../events/event-bus.ts";

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
  /** Returns when the message is durable, and with it that its events are to be put on the bus. */
  keep(mail: Mail, eml: string | Buffer, events: readonly Entry[]): void;
  get(id: string): Mail | undefined;
  eml(id: string): Buffer;
  /** The newest first. */
  list(): Mail[];
}

const shown = 500;

/** @param bus takes the events of e-mails; those that a kill held up come first, and may come twice. */
export function openMailbox(
  directory: string,
  database: DatabaseSync,
  bus: Pick<EventBus, "publish">,
): Mailbox {
  mkdirSync(directory, { recursive: true });
  database.exec(`CREATE TABLE IF NOT EXISTS mails (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    mail TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS mail_events (
    number INTEGER PRIMARY KEY,
    entry TEXT NOT NULL
  )`);
  const insert = database.prepare("INSERT INTO mails (id, mail) VALUES (?, ?)");
  const one = database.prepare("SELECT mail FROM mails WHERE id = ?");
  const latest = database.prepare("SELECT mail FROM mails ORDER BY number DESC LIMIT ?");
  const parse = (row: unknown) => JSON.parse((row as { mail: string }).mail) as Mail;
  const fileOf = (id: string) => join(directory, `${id}.eml`);
  const insertEvent = database.prepare("INSERT INTO mail_events (entry) VALUES (?)");
  const nextEvents = database.prepare("SELECT number, entry FROM mail_events ORDER BY number");
  const deleteEvent = database.prepare("DELETE FROM mail_events WHERE number = ?");
  const announce = () => {
    for (const row of nextEvents.all()) {
      const { number, entry } = row as { number: number; entry: string };
      bus.publish(JSON.parse(entry));
      deleteEvent.run(number);
    }
  };
  announce();
  return {
    keep(mail, eml, events) {
      writeFileSync(`${fileOf(mail.id)}.new`, eml, { mode: 0o600 });
      renameSync(`${fileOf(mail.id)}.new`, fileOf(mail.id));
      database.exec("BEGIN");
      insert.run(mail.id, JSON.stringify(mail));
      for (const event of events) insertEvent.run(JSON.stringify(event));
      database.exec("COMMIT");
      if (events.length > 0) announce();
    },
    get(id) {
      const row = one.get(id);
      return row && parse(row);
    },
    eml: (id) => readFileSync(fileOf(id)),
    list: () => latest.all(shown).map(parse),
  };
}
