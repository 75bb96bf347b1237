import { createHash } from 'node:crypto';

/** HTML that is safe to send as it is. */
export class Html {
  constructor(readonly text: string) {}
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escaped = (value: string | Html | Html[]): string => {
  if (Array.isArray(value)) return value.map(({ text }) => text).join('');
  return value instanceof Html
    ? value.text
    : value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
};

/** html`<p>${text}</p>`: everything put in is escaped, unless it is Html itself. */
export const html = (parts: TemplateStringsArray, ...values: (string | Html | Html[])[]): Html =>
  new Html(String.raw({ raw: parts }, ...values.map(escaped)));

const STYLE = `html{color-scheme:light dark}body{margin:0;padding:2rem 1rem;background:#f4f4f6;color:#1c1c22;font:16px/1.5 system-ui,sans-serif}
main{max-width:42rem;margin:0 auto;padding:1.5rem;background:#fff;border-radius:8px}
a{color:#3b5bdb}article{border-top:1px solid #ddd;padding:1rem 0}pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}
label{display:block;margin:1rem 0 .25rem}input{box-sizing:border-box;width:100%;padding:.6rem;border:1px solid #767680;border-radius:6px;background:#fff;color:inherit;font:inherit}
button{margin-top:1rem;padding:.6rem 1.1rem;border:0;border-radius:6px;background:#3b5bdb;color:#fff;font:inherit;cursor:pointer}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}h3{margin:0}ul{padding-left:1rem}dt{margin-top:.5rem}dd{margin:0 0 0 1rem}dl dl{margin:.25rem 0}i{opacity:.75}
@media(min-width:40rem){dl{display:grid;grid-template-columns:minmax(8rem,auto) 1fr;gap:.25rem 1rem}dt,dd{margin:0}}
@media(prefers-color-scheme:dark){body{background:#16161a;color:#e8e8ee}main{background:#22222a}a{color:#91a7ff}article{border-color:#444}input{background:#16161a}}`;

const policy = (formAction: string): string =>
  `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action ${formAction}; frame-ancestors 'none'`;

/** The policy of our own pages: nothing loads, nothing runs, and only their own style applies. */
export const PAGE_CSP = policy("'none'");
/** The same for a page with a form, which may be sent to us and to nobody else. */
export const FORM_PAGE_CSP = policy("'self'");

/** One of the few small pages that the server shows by itself. */
export const htmlPage = (title: string, body: Html): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Parley</title><style>${new Html(STYLE)}</style></head>
<body><main><h1>${title}</h1>${body}</main></body></html>
`.text;
