import { appendFileSync } from "node:fs";

export interface AccessLog {
  /** `values`: by the name after `$context.`; a name that is not among them prints `-`. */
  write(values: Readonly<Record<string, string | number | undefined>>): void;
  close(): void;
}

const flushEveryMs = 200;

/** Prints the stage's access log format, one line for each request. */
export function openAccessLog(file: string, format: string | undefined): AccessLog {
  if (format === undefined) return { write() {}, close() {} };
  let lines = "";
  const flush = () => {
    if (lines !== "") appendFileSync(file, lines);
    lines = "";
  };
  const timer = setInterval(flush, flushEveryMs).unref();
  const parts = format.split(/\$context\.([\w.]+)/);
  return {
    write(values) {
      let line = "";
      for (const [index, part] of parts.entries()) {
        line += index % 2 === 0 ? part : escapeValue(String(values[part] ?? "-"));
      }
      lines += `${line}\n`;
    },
    close() {
      clearInterval(timer);
      flush();
    },
  };
}

/** A value comes from a request; it must end neither the line nor the text it stands in. */
function escapeValue(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}
