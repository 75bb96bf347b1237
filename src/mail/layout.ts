import { decoded, type Html, html } from '../common/http/html.js';
import type { MailContent } from './mails.js';

const LINE = 72;
// CRLF, as in mails: nodemailer then leaves short lines whole, also where it must encode the text, so that links are not broken.
const EOL = '\r\n';

/** Both parts of a mail: text and HTML. */
export const renderMail = (mail: MailContent): { subject: string; text: string; html: string } => ({
  subject: mail.subject,
  text:
    [...mail.paragraphs.map(wrap), ...(mail.action ? [mail.action.link] : []), `-- ${EOL}${wrap(mail.footer)}`].join(
      EOL + EOL,
    ) + EOL,
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

// The colours of the web client. Many mail programs know only styles on the elements, which are those for light screens; those that know
// `prefers-color-scheme` know style sheets, too.
const DARK = `@media(prefers-color-scheme:dark){.page{background:#0f1311!important;color:#e6ebe7!important}.card{background:#161b18!important;border-color:#2c3530!important}.action{background:#63c6a5!important;color:#06231b!important}.fine{color:#aeb9b3!important}}`;

const buttonOf = ({ label, link }: { label: string; link: string }): Html =>
  html`<p style="margin:24px 0"><a class="action" href="${link}"
style="display:inline-block;padding:10px 20px;background:#0b6150;color:#ffffff;border-radius:8px;font-weight:600;text-decoration:none">${label}</a></p>`;

const asHtml = ({ subject, paragraphs, action, footer }: MailContent): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${subject}</title><style>${DARK}</style></head>
<body class="page" style="margin:0;padding:24px 16px;background:#eceeea;color:#18201c;font:16px/24px system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
<div class="card" style="max-width:520px;margin:0 auto;padding:24px;background:#fbfbf8;border:1px solid #d6dad3;border-radius:14px">
<p style="margin:0 0 24px;font-size:18px;font-weight:600">Parley</p>
${paragraphs.map((paragraph) => html`<p style="margin:0 0 16px">${paragraph}</p>`)}
${action ? buttonOf(action) : ''}
<p class="fine" style="margin:24px 0 0;color:#55605a;font-size:14px;line-height:20px">${footer}</p>
</div></body></html>
`.text;

/** The button in the HTML of a mail that was written here. */
export function actionIn(mail: string): MailContent['action'] | undefined {
  const [, link, label] = /<a class="action" href="([^"]*)"[^>]*>([^<]*)<\/a>/.exec(mail) ?? [];
  return link === undefined || label === undefined ? undefined : { link: decoded(link), label: decoded(label) };
}

/** What the text of such a mail says above its button, without the greeting, each paragraph in one line. */
export const paragraphsIn = (text: string): string[] =>
  (text.split(/\r?\n-- ?\r?\n/)[0] ?? '')
    .split(/(?:\r?\n){2,}/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph !== '' && !/^(Hello\b[^.:]*,|https?:\/\/\S*)$/.test(paragraph));
