import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isBrowser } from '../common/http/accept.js';
import { asDomainError, type DomainError, httpErrorBody } from '../common/errors.js';
import { FORM_PAGE_CSP, type Html, html, htmlPage, PAGE_CSP } from '../common/http/html.js';
import { noteRefusal, sendError } from '../common/http/http-error.filter.js';
import { CONFIG, type Config } from '../config/config.js';

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

  /** Where a route is for browsers: below the path of PUBLIC_URL, whether or not the page's own address ends in a slash. */
  path(route: string): string {
    return this.config.publicPath + route;
  }

  form(reply: FastifyReply, title: string, body: Html): FastifyReply {
    // Without a referrer, browsers hide the form's origin too, and it is refused like a stranger's.
    return this.send(reply.header('referrer-policy', 'same-origin'), FORM_PAGE_CSP, title, body);
  }

  /** For a link to an account that came too late: a button that has a new one sent. */
  expiredRegistration(reply: FastifyReply, token: string): FastifyReply {
    const body = html`<p>This link has expired. A new one goes to the address that was registered.</p>
      <form method="post" action="${this.path('/http/register/resend')}">
        <input type="hidden" name="token" value="${token}" />
        <button>Send a new link</button>
      </form>`;
    return this.form(reply, 'Link expired', body);
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

  constructor(protected readonly pages: Pages) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const request = http.getRequest<FastifyRequest>();
    const error = asDomainError(thrown);
    if (!error || !isBrowser(request.headers.accept)) return sendError(reply, thrown);
    noteRefusal(reply, error);
    const { retry_after: retryAfter } = error.details;
    if (retryAfter !== undefined) void reply.header('Retry-After', String(retryAfter));
    this.show(error, request, reply.status(error.status));
  }

  protected show(error: DomainError, _request: FastifyRequest, reply: FastifyReply): void {
    this.pages.sentence(reply, httpErrorBody(error).error, error.message, this.way);
  }
}

/** The same where a link to an account is opened: one that has expired can be replaced. */
@Catch()
@Injectable()
export class RegistrationPageErrorFilter extends PageErrorFilter {
  protected override show(error: DomainError, request: FastifyRequest, reply: FastifyReply): void {
    if (error.code !== 'expired') return super.show(error, request, reply);
    this.pages.expiredRegistration(reply, (request.params as { token: string }).token);
  }
}

/** The same where a link to a new password is worth nothing, or the password is none. */
@Catch()
@Injectable()
export class PasswordPageErrorFilter extends PageErrorFilter {
  protected override readonly way: Way = { label: 'Ask for a new link', path: '/http/password/forgot' };
}
