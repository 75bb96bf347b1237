import { type Html, html } from '../common/http/html.js';
import { htmlPage, paper, policyOf } from '../common/http/page.js';
import type { MailContent } from './mails.js';
import { paragraphsIn } from './layout.js';
import { whenInWords } from './when.js';

/** How many mails are shown at first; a link leads to those before them. */
const SHOWN = 5;

export interface StoredMail {
  file: string;
  to: string;
  subject: string;
  date: string;
  text: string;
  action: MailContent['action'] | undefined;
}

/** Where the page leads. */
export interface DevMailPlaces {
  /** Of this page. */
  here: string;
  /** Where people register; undefined where this server has no page for it. */
  register: { label: string; path: string } | undefined;
}

export const LINK = /https?:\/\/[^\s<>"]*[^\s<>".,;:!?]/g;

/** The page is loaded anew every few seconds; mails that were unfolded stay so. */
const SCRIPT = `
const KEY = 'unfolded';
const unfolded = new Set(JSON.parse(sessionStorage.getItem(KEY) ?? '[]'));
for (const details of document.querySelectorAll('details')) {
  details.open = unfolded.has(details.id);
  details.addEventListener('toggle', () => {
    if (details.open) unfolded.add(details.id);
    else unfolded.delete(details.id);
    sessionStorage.setItem(KEY, JSON.stringify([...unfolded]));
  });
}
`;
const PARTS = { script: SCRIPT };

export const DEV_MAIL_CSP = policyOf(PARTS);

/** The mails in outbox/, newest first, each with its button. It finds new ones by a header `Refresh`. */
export function devMailPage(mails: StoredMail[], now: Date, isWhole: boolean, places: DevMailPlaces): string {
  const shown = isWhole ? mails : mails.slice(0, SHOWN);
  const earlier = mails.length - shown.length;
  return htmlPage(
    'Mails of this machine',
    paper(
      'Mails of this machine',
      html`<p class="lead">SMTP_URL is not set, so nothing is sent: mails end here. This page looks for new ones by itself.</p>
        ${mails.length > 0 ? shown.map((mail) => article(mail, now)) : none(places)}
        ${earlier > 0 ? html`<p><a href="${places.here}?all">${earlier === 1 ? 'One earlier mail' : `${earlier} earlier mails`}</a></p>` : ''}`,
    ),
    PARTS,
  );
}

function none({ register }: DevMailPlaces): Html {
  return html`<article class="mail">
    <h2>None yet</h2>
    <p>Register an account: the mail with its link appears here. Any address will do, such as ada@example.com.</p>
    ${register ? html`<p class="do"><a class="btn primary" href="${register.path}">${register.label}</a></p>` : ''}
    <p>Or run <code>npm run demo</code>: it brings two people and a group.</p>
  </article>`;
}

function article({ file, to, subject, date, text, action }: StoredMail, now: Date): Html {
  const [lead = ''] = paragraphsIn(text);
  const sent = new Date(date);
  const when = Number.isNaN(sent.getTime())
    ? ''
    : html`<time datetime="${sent.toISOString()}">${whenInWords(sent, now)}</time>`;
  return html`<article class="mail">
    <p class="to"><span>To <b>${to}</b></span>${when}</p>
    <h2>${subject}</h2>
    <p>${lead.slice(0, 1).toUpperCase() + lead.slice(1)}</p>
    ${action ? html`<p class="do"><a class="btn primary" href="${action.link}">${action.label}</a></p>` : ''}
    <details id="${file}"><summary>The whole mail</summary><pre>${linked(text.trim())}</pre></details>
  </article>`;
}

/** The text of a mail with its links to click. */
function linked(text: string): Html[] {
  const links = text.match(LINK) ?? [];
  return text
    .split(LINK)
    .map((between, i) => html`${between}${links[i] ? html`<a href="${links[i]}">${links[i]}</a>` : ''}`);
}
