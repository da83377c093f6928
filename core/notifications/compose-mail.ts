import type { CreatorId } from "../contracts/ids.ts";
import { escapeHtml } from "../values/html.ts";
import { cutToBytes } from "../values/text.ts";
import type { FanoutPlan } from "./fanout.ts";

export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** RFC 8058: mail programs offer to unsubscribe with one click. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Longer ones are cut off by mail programs anyway. */
const maxSubjectBytes = 200;

/** What a follower of one of the article's creators is written. */
export function composeMail(plan: FanoutPlan, creatorId: CreatorId, unsubscribeUrl: string): Mail {
  const { title, url, excerpt } = plan;
  const name = plan.creators.find((one) => one.creatorId === creatorId)?.name ?? creatorId;
  const news = `${name} published something new`;
  const why = `You get this because you follow ${name}.`;
  return {
    subject: cutToBytes(title, maxSubjectBytes),
    text: [
      ...[news, "", title, ...(excerpt === undefined ? [] : ["", excerpt])],
      ...["", `Read it: ${url}`, "", "--", why, `Unsubscribe: ${unsubscribeUrl}`, ""],
    ].join("\n"),
    html: htmlOf({ news, title, url, excerpt, why, unsubscribeUrl }),
    headers: {
      "List-Unsubscribe": `<${unsubscribeUrl}>`,
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
  };
}

interface Words {
  readonly news: string;
  readonly title: string;
  readonly url: string;
  readonly excerpt: string | undefined;
  readonly why: string;
  readonly unsubscribeUrl: string;
}

const serif = "Georgia,'Times New Roman',serif";
const sans = "-apple-system,BlinkMacSystemFont,'Segoe UI',Helvetica,Arial,sans-serif";

/** Tables and inline styles: mail programs know little else. */
function htmlOf(words: Words): string {
  const { news, title, excerpt, why } = words;
  const [url, unsubscribeUrl] = [escapeHtml(words.url), escapeHtml(words.unsubscribeUrl)];
  const body =
    excerpt === undefined
      ? ""
      : `<p style="margin:0 0 28px;font:17px/1.6 ${serif};color:#3d3a36">${escapeHtml(excerpt)}</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light">
<title>${escapeHtml(title)}</title>
</head>
<body style="margin:0;padding:0;background:#f4f1ea">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f4f1ea">
<tr><td align="center" style="padding:40px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;background:#fffdf9;border:1px solid #e6e0d4;border-radius:6px">
<tr><td style="padding:40px 40px 44px">
<p style="margin:0 0 18px;font:14px/1.4 ${sans};color:#77716a">${escapeHtml(news)}</p>
<h1 style="margin:0 0 20px;font:bold 30px/1.25 ${serif};color:#1d1b19"><a href="${url}" style="color:#1d1b19;text-decoration:none">${escapeHtml(title)}</a></h1>
${body}
<a href="${url}" style="display:inline-block;padding:13px 26px;background:#1d1b19;border-radius:4px;font:bold 15px/1 ${sans};color:#fffdf9;text-decoration:none">Read it</a>
</td></tr>
</table>
<p style="margin:24px 0 0;font:13px/1.6 ${sans};color:#77716a">${escapeHtml(why)}<br><a href="${unsubscribeUrl}" style="color:#77716a">Unsubscribe</a></p>
</td></tr>
</table>
</body>
</html>
`;
}
