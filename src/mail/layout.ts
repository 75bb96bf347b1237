import { html } from '../common/http/html.js';
import type { MailContent } from './mails.js';

const LINE = 72;
// CRLF, as mail has it: nodemailer then leaves short lines whole, also where it must encode the text, and a link stays in one piece.
const EOL = '\r\n';

/** Both parts of a mail. */
export const renderMail = (mail: MailContent): { subject: string; text: string; html: string } => ({
  subject: mail.subject,
  text: [...mail.paragraphs.map(wrap), mail.action.link, `-- ${EOL}${wrap(mail.footer)}`].join(EOL + EOL) + EOL,
  html: asHtml(mail),
});

const wrap = (paragraph: string): string =>
  paragraph
    .split(' ')
    .reduce<string[]>((lines, word) => {
      const line = lines.pop();
      if (line === undefined) return [word];
      return line.length + 1 + word.length <= LINE ? [...lines, `${line} ${word}`] : [...lines, line, word];
    }, [])
    .join(EOL);

const asHtml = ({ subject, paragraphs, action, footer }: MailContent): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${subject}</title></head>
<body style="margin:0;padding:24px;background:#f4f4f6;color:#1c1c22;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:520px;margin:0 auto;padding:24px;background:#fff;border-radius:8px">
${paragraphs.map((paragraph) => html`<p style="margin:0 0 16px">${paragraph}</p>`)}
<p style="margin:24px 0"><a href="${action.link}"
style="display:inline-block;padding:10px 18px;background:#3b5bdb;color:#fff;border-radius:6px;text-decoration:none">${action.label}</a></p>
<p style="margin:24px 0 0;color:#62626e;font-size:13px">${footer}</p>
</div></body></html>
`.text;
