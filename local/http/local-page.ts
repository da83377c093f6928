import type { HttpAnswer } from "./response.ts";

/** What this machine shows of itself, below `/_local/`: pages for people, JSON for programs. */
export function page(title: string, body: string): HttpAnswer {
  const headers = {
    "content-type": "text/html; charset=utf-8",
    // What is shown may say anything: it can neither run nor load something, nor act for this address.
    "content-security-policy":
      "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; " +
      "style-src 'unsafe-inline'; img-src data:",
    "x-content-type-options": "nosniff",
  };
  const head = `<!doctype html><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>body{font-family:sans-serif;margin:2em}td,th{text-align:left;padding:.3em 1em .3em 0}</style>`;
  return { status: 200, headers, body: `${head}\n${body}\n` };
}

/** Cells are HTML. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, texts: readonly string[]) =>
    `<tr>${texts.map((text) => `<${tag}>${text}</${tag}>`).join("")}</tr>`;
  return `<table>${[cells("th", heads), ...rows.map((row) => cells("td", row))].join("\n")}</table>`;
}

export function json(value: object): HttpAnswer {
  const headers = { "content-type": "application/json" };
  return { status: 200, headers, body: JSON.stringify(value, undefined, 2) };
}

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
