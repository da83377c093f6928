import { escapeHtml, json, page, table } from "../http/local-page.ts";
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
    const file = `<a href="${mailboxPath}/${id}.eml">.eml</a>`;
    return [sentAt, escapeHtml(from), escapeHtml(to.join(", ")), link, file];
  });
  return `<h1>Mailbox</h1><p>E-mails end here; nothing leaves this machine.</p>
${table(["sent", "from", "to", "subject", ""], rows)}`;
}
