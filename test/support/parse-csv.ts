/** RFC 4180, by the book. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  for (const [, line = ""] of text.matchAll(/((?:"(?:[^"]|"")*"|[^"\r\n])*)\r\n/g)) {
    const cells = [...`${line},`.matchAll(/("(?:[^"]|"")*"|[^",]*),/g)].map(([, one = ""]) =>
      one.startsWith('"') ? one.slice(1, -1).replaceAll('""', '"') : one,
    );
    rows.push(cells);
  }
  return rows;
}
