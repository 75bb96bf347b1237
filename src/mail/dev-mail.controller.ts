import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Controller, Get, Headers, Inject, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import PostalMime from 'postal-mime';
import { isBrowser } from '../common/http/accept.js';
import { NotFound } from '../common/errors.js';
import { Public } from '../common/identity.js';
import { Clock } from '../common/timing/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { isLoopbackName } from '../config/loopback.js';
import { DEV_MAIL_CSP, devMailPage, LINK } from './dev-mail.page.js';
import { actionIn } from './layout.js';
import { outboxFolder } from './transport.js';

const NEWEST = 50;
/** How often the page looks for new mails. */
const REFRESH_SECONDS = 5;

/**
 * Shows the mails in outbox/ to developers on this machine. Exists only without SMTP_URL, outside of production, and where HOST, PUBLIC_URL
 * and the request's Host all name this machine.
 */
@ApiExcludeController()
@Controller('dev/mail')
export class DevMailController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** @param all given, whatever it says: the page shows more than the first few */
  @Get()
  @Public()
  async list(
    @Headers('host') host: string | undefined,
    @Headers('accept') accept: string | undefined,
    @Query('all') all: unknown,
    @Res() reply: FastifyReply,
  ) {
    // A foreign page whose name resolves to this machine (DNS rebinding) sends its own name.
    if (!URL.canParse(`http://${host}`) || !isLoopbackName(new URL(`http://${host}`).hostname))
      throw new NotFound('route');
    const mails = await this.newest();
    if (!isBrowser(accept)) {
      return reply.send(
        mails.map(({ file, to, subject, date, text }) => {
          return { file, to, subject, date, text, links: text.match(LINK) ?? [] };
        }),
      );
    }
    const page = devMailPage(mails, this.clock.now(), all !== undefined, {
      here: `${this.config.publicPath}/dev/mail`,
      register: this.registration,
    });
    return reply
      .headers({ 'content-security-policy': DEV_MAIL_CSP, refresh: String(REFRESH_SECONDS) })
      .type('text/html; charset=utf-8')
      .send(page);
  }

  private async newest() {
    const folder = outboxFolder(this.config);
    const files = (await readdir(folder).catch(() => [])).filter((name) => /^\d.*\.eml$/.test(name));
    const newest = files.sort().reverse().slice(0, NEWEST);
    return Promise.all(
      newest.map(async (file) => {
        const { to, subject, text, html, date } = await PostalMime.parse(await readFile(join(folder, file)));
        return {
          file,
          to: to?.[0]?.address ?? '',
          subject: subject ?? '',
          date: date ?? '',
          text: text ?? '',
          action: actionIn(html ?? ''),
        };
      }),
    );
  }

  /** Where somebody can register. */
  private get registration(): { label: string; path: string } | undefined {
    const { apiDocs, appUrl, publicPath, webClientFolder } = this.config;
    if (appUrl !== undefined) return { label: 'Go to the app', path: appUrl };
    if (webClientFolder !== undefined) return { label: 'Create an account', path: `${publicPath}/register` };
    return apiDocs
      ? { label: 'Register by the API', path: `${publicPath}/http/docs#/account/AuthController_register` }
      : undefined;
  }
}
