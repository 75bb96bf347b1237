import { createHash } from 'node:crypto';
import { Html, html } from './html.js';
import { STYLE } from './page-style.js';

const sourceOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What a page has beside its content. Each text is allowed by its hash, so that nothing else applies or runs. */
export interface PageParts {
  /** Of the whole page; the common one unless it is given. */
  style?: string;
  script?: string;
  /** Whether it has forms, which may be sent only to this server. */
  forms?: boolean;
}

/** The policy under which a page is sent: it loads nothing, and shows no image but its own icon. */
export const policyOf = ({ style = STYLE, script, forms = false }: PageParts = {}): string =>
  [
    "default-src 'none'",
    `style-src ${sourceOf(style)}`,
    ...(script === undefined ? [] : [`script-src ${sourceOf(script)}`]),
    'img-src data:',
    "base-uri 'none'",
    `form-action ${forms ? "'self'" : "'none'"}`,
    "frame-ancestors 'none'",
  ].join('; ');

export const PAGE_CSP = policyOf();
export const FORM_PAGE_CSP = policyOf({ forms: true });

const HALVES = { a: 'M10.5 1.5v21A10.5 10.5 0 0 1 10.5 1.5z', b: 'M13.5 1.5a10.5 10.5 0 0 1 0 21z' };

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><style>.b{fill:#18201c}@media(prefers-color-scheme:dark){.b{fill:#e6ebe7}}</style><path fill="#2c8a72" d="${HALVES.a}"/><path class="b" d="${HALVES.b}"/></svg>`;

/** For the head of every page. The icon is part of the page: it is the same below any path. */
export const HEAD = html`<meta charset="utf-8" />
  <meta name="viewport" content="width=device-width, initial-scale=1" />
  <meta name="theme-color" media="(prefers-color-scheme: light)" content="#fbfbf8" />
  <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#161b18" />
  <link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}" />`;

/** Mark and name, at the head of every page. */
export const BRAND = html`<div class="brand">
  <svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path class="a" d="${HALVES.a}" /><path class="b" d="${HALVES.b}" /></svg>Parley
</div>`;

/** One of the few small pages that the server shows by itself. */
export const htmlPage = (title: string, content: Html, { style = STYLE, script }: PageParts = {}): string =>
  html`<!doctype html>
<html lang="en"><head>${HEAD}
<title>${title} · Parley</title><style>${new Html(style)}</style></head>
<body>${content}${script === undefined ? '' : html`<script>${new Html(script)}</script>`}</body></html>
`.text;

/** The frame of most pages: mark, title, and what follows. */
export const paper = (title: string, content: Html, kind: 'paper' | 'door' = 'paper'): Html =>
  html`<main class="${kind}">
    ${BRAND}
    <h1>${title}</h1>
    ${content}
  </main>`;
