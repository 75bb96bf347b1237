import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import PostalMime from 'postal-mime';
import { isBrowser } from '../common/http/accept.js';
import { NotFound } from '../common/errors.js';
import { type Html, html, htmlPage, PAGE_CSP } from '../common/http/html.js';
import { Public } from '../common/identity.js';
import { CONFIG, type Config } from '../config/config.js';
import { isLoopbackName } from '../config/loopback.js';
import { outboxFolder } from './transport.js';

const NEWEST = 50;
const LINK = /https?:\/\/[^\s<>"]*[^\s<>".,;:!?]/g;

/**
 * The mails that stayed here, for whoever develops on this machine. Exists only while there is no SMTP server, outside
 * production, and where every name in play (HOST, PUBLIC_URL, the request's Host) means this machine.
 */
@ApiExcludeController()
@Controller('dev/mail')
export class DevMailController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Get()
  @Public()
  async list(
    @Headers('host') host: string | undefined,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    // A page elsewhere whose name was made to point here (DNS rebinding) sends its own name.
    if (!URL.canParse(`http://${host}`) || !isLoopbackName(new URL(`http://${host}`).hostname))
      throw new NotFound('route');
    const mails = await this.newest();
    if (!isBrowser(accept)) return reply.send(mails);
    return reply.header('content-security-policy', PAGE_CSP).type('text/html; charset=utf-8').send(page(mails));
  }

  private async newest() {
    const folder = outboxFolder(this.config);
    const files = (await readdir(folder).catch(() => [])).filter((name) => /^\d.*\.eml$/.test(name));
    const newest = files.sort().reverse().slice(0, NEWEST);
    return Promise.all(
      newest.map(async (file) => {
        const { to, subject, text, date } = await PostalMime.parse(await readFile(join(folder, file)));
        const links = text?.match(LINK) ?? [];
        return { file, to: to?.[0]?.address ?? '', subject: subject ?? '', date: date ?? '', text: text ?? '', links };
      }),
    );
  }
}

type ShownMail = Awaited<ReturnType<DevMailController['newest']>>[number];

function page(mails: ShownMail[]): string {
  const articles = mails.map(
    ({ to, subject, date, text }) =>
      html`<article>
        <h2>${subject}</h2>
        <p>To ${to}, ${date}</p>
        <pre>${linked(text)}</pre>
      </article>`,
  );
  const none = html`<p>None yet: register an account, then reload this page.</p>`;
  return htmlPage(
    'Mails',
    html`<p>There is no SMTP_URL, so mails stay on this machine. Newest first.</p>
      ${articles.length > 0 ? articles : none}`,
  );
}

/** The text of a mail with its links to click. */
function linked(text: string): Html[] {
  const links = text.match(LINK) ?? [];
  return text
    .split(LINK)
    .map((between, i) => html`${between}${links[i] ? html`<a href="${links[i]}">${links[i]}</a>` : ''}`);
}
