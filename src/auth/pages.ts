import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { asDomainError, httpErrorBody } from '../common/errors.js';
import { FORM_PAGE_CSP, type Html, html, htmlPage, PAGE_CSP } from '../common/html.js';
import { sendError } from '../common/http-error.filter.js';
import { CONFIG, type Config } from '../config/config.js';

/** People open links from mails in a browser; programs ask for JSON. */
export const isBrowser = (accept: string | undefined): boolean => accept?.includes('text/html') ?? false;

interface Way {
  label: string;
  path: string;
}

const TO_PARLEY: Way = { label: 'Go to Parley', path: '/' };

/** The few pages that stand in for a client where somebody has none at hand. */
@Injectable()
export class Pages {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** A sentence, and where to go from there: to the application, or to one of its own pages. */
  sentence(reply: FastifyReply, title: string, sentence: string, way: Way = TO_PARLEY): FastifyReply {
    const body = html`<p>${sentence}</p>
      <p><a href="${this.config.publicUrl}${way.path}">${way.label}</a></p>`;
    return this.send(reply, PAGE_CSP, title, body);
  }

  form(reply: FastifyReply, title: string, body: Html): FastifyReply {
    // Without a referrer, browsers hide the form's origin too, and it is refused like a stranger's.
    return this.send(reply.header('referrer-policy', 'same-origin'), FORM_PAGE_CSP, title, body);
  }

  private send(reply: FastifyReply, policy: string, title: string, body: Html): FastifyReply {
    return reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(htmlPage(title, body));
  }
}

/** On routes that browsers open: what goes wrong is told on a page there, and as everywhere else to programs. */
@Catch()
@Injectable()
export class PageErrorFilter implements ExceptionFilter {
  /** Where to go from the page. */
  protected readonly way: Way = TO_PARLEY;

  constructor(private readonly pages: Pages) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const error = asDomainError(thrown);
    if (!error || !isBrowser(http.getRequest<FastifyRequest>().headers.accept)) return sendError(reply, thrown);
    const { retry_after: retryAfter } = error.details;
    if (retryAfter !== undefined) void reply.header('Retry-After', String(retryAfter));
    this.pages.sentence(reply.status(error.status), httpErrorBody(error).error, error.message, this.way);
  }
}

/** The same where a link to a new password is worth nothing, or the password is none. */
@Catch()
@Injectable()
export class PasswordPageErrorFilter extends PageErrorFilter {
  protected override readonly way: Way = { label: 'Ask for a new link', path: '/http/password/forgot' };
}
