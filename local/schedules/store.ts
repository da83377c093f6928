import type { DatabaseSync } from "node:sqlite";
import type { ScheduleInput } from "./input.ts";

/** A schedule that was made through the API. */
export interface StoredSchedule {
  readonly group: string;
  readonly name: string;
  readonly arn: string;
  readonly input: ScheduleInput;
  /** Undefined: disabled, or carried out. */
  readonly dueMs: number | undefined;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
}

export interface ScheduleStore {
  get(group: string, name: string): StoredSchedule | undefined;
  put(schedule: StoredSchedule): void;
  delete(group: string, name: string): void;
  /** In the order of their groups and names. */
  list(): StoredSchedule[];
  due(nowMs: number): StoredSchedule[];
  nextDueMs(): number | undefined;
}

interface Row {
  readonly schedule: string;
}

export function openScheduleStore(database: DatabaseSync): ScheduleStore {
  database.exec(`CREATE TABLE IF NOT EXISTS schedules (
    group_name TEXT NOT NULL,
    name TEXT NOT NULL,
    due_ms INTEGER,
    schedule TEXT NOT NULL,
    PRIMARY KEY (group_name, name)
  )`);
  const select = database.prepare(
    "SELECT schedule FROM schedules WHERE group_name = ? AND name = ?",
  );
  const replace = database.prepare("INSERT OR REPLACE INTO schedules VALUES (?, ?, ?, ?)");
  const remove = database.prepare("DELETE FROM schedules WHERE group_name = ? AND name = ?");
  const all = database.prepare("SELECT schedule FROM schedules ORDER BY group_name, name");
  const due = database.prepare("SELECT schedule FROM schedules WHERE due_ms <= ? ORDER BY due_ms");
  const next = database.prepare("SELECT MIN(due_ms) AS due FROM schedules");
  const parse = (row: unknown) => JSON.parse((row as Row).schedule) as StoredSchedule;
  return {
    get(group, name) {
      const row = select.get(group, name);
      return row && parse(row);
    },
    put(schedule) {
      const { group, name, dueMs = null } = schedule;
      replace.run(group, name, dueMs, JSON.stringify(schedule));
    },
    delete(group, name) {
      remove.run(group, name);
    },
    list: () => all.all().map(parse),
    due: (nowMs) => due.all(nowMs).map(parse),
    nextDueMs: () => (next.get() as { due: number | null }).due ?? undefined,
  };
}
