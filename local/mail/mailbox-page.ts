import { gatewayAnswer, type HttpAnswer } from "../http/response.ts";
import type { Mail, Mailbox } from "./mailbox.ts";

export const mailboxPath = "/_local/mailbox";

/** The list as a page or as JSON, and every message by its id: shown, or as its `.eml` file. */
export function mailboxAnswer(mailbox: Mailbox, path: string, accept: string): HttpAnswer {
  if (path === mailboxPath || path === `${mailboxPath}/`) {
    const mails = mailbox.list();
    if (accept.includes("text/html")) return page("Mailbox", list(mails));
    const rows = mails.map((mail) => ({ ...mail, eml: `${mailboxPath}/${mail.id}.eml` }));
    return json({ mails: rows });
  }
  const [, id = "", eml] = /^\/_local\/mailbox\/([\w-]+)(\.eml)?$/.exec(path) ?? [];
  const mail = mailbox.get(id);
  if (mail === undefined) return gatewayAnswer(404, "Not Found");
  if (eml !== undefined) {
    const headers = { "content-type": "message/rfc822", "x-content-type-options": "nosniff" };
    return { status: 200, headers, body: mailbox.eml(id) };
  }
  return page(mail.subject, mail.html ?? `<pre>${escapeHtml(mail.text ?? "")}</pre>`);
}

function list(mails: readonly Mail[]): string {
  const rows = mails.map(({ id, sentAt, from, to, subject }) => {
    const link = `<a href="${mailboxPath}/${id}">${escapeHtml(subject || "(no subject)")}</a>`;
    const cells = [sentAt, escapeHtml(from), escapeHtml(to.join(", ")), link];
    const file = `<a href="${mailboxPath}/${id}.eml">.eml</a>`;
    return `<tr>${[...cells, file].map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  const heads = ["sent", "from", "to", "subject", ""].map((head) => `<th>${head}</th>`);
  return `<h1>Mailbox</h1><p>E-mails end here; nothing leaves this machine.</p>
<table><tr>${heads.join("")}</tr>
${rows.join("\n")}</table>`;
}

function page(title: string, body: string): HttpAnswer {
  const headers = {
    "content-type": "text/html; charset=utf-8",
    // A message may say anything: it can neither run nor load something, nor act for this address.
    "content-security-policy":
      "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; " +
      "style-src 'unsafe-inline'; img-src data:",
    "x-content-type-options": "nosniff",
  };
  const head = `<!doctype html><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>body{font-family:sans-serif;margin:2em}td,th{text-align:left;padding:.3em 1em .3em 0}</style>`;
  return { status: 200, headers, body: `${head}\n${body}\n` };
}

function json(value: object): HttpAnswer {
  const headers = { "content-type": "application/json" };
  return { status: 200, headers, body: JSON.stringify(value, undefined, 2) };
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
