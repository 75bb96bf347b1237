import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isBrowser } from '../common/http/accept.js';
import type { DomainError } from '../common/errors.js';
import { type Html, html } from '../common/http/html.js';
import { noteError, sendError } from '../common/http/http-error.filter.js';
import { FORM_PAGE_CSP, htmlPage, PAGE_CSP, paper } from '../common/http/page.js';
import { CONFIG, type Config } from '../config/config.js';
import { linkTokenIn } from '../identity/link-tokens.js';
import { Links } from './links.js';
import { inWords, type Words, wordsFor } from './page-words.js';

/** A link on a page, to what comes next. */
export interface Way {
  label: string;
  url: string;
}

/**
 * What browsers get where links in mails lead: a route of the app where there is one, else a small page. Each method with `inApp` in its
 * name answers only where there is an app, and says whether it has.
 */
@Injectable()
export class Pages {
  /** The server as people know it. */
  readonly serverName: string;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    readonly links: Links,
  ) {
    const { host, pathname } = new URL(config.publicUrl);
    this.serverName = host + pathname.replace(/\/+$/, '');
  }

  /** The address of a route for browsers: below the path of PUBLIC_URL, whether or not the page's own address ends in a slash. */
  path(route: string): string {
    return this.config.publicPath + route;
  }

  /** What has happened, and a link to what comes next: to the app where nothing else is given. */
  statement(reply: FastifyReply, title: string, content: Html, way = this.toApp): FastifyReply {
    const body = html`<p class="lead">${content}</p>
      ${way ? html`<p><a class="btn primary" href="${way.url}">${way.label}</a></p>` : ''}`;
    return this.send(reply, PAGE_CSP, title, body);
  }

  /** The same where the next step is to log in, which nobody can do on a server without an app. */
  beforeLogin(reply: FastifyReply, title: string, content: Html): FastifyReply {
    const elsewhere = html` Go back to the app that you use for ${this.serverName}.`;
    return this.statement(reply, title, html`${content}${this.links.app === undefined ? elsewhere : ''}`);
  }

  form(reply: FastifyReply, title: string, body: Html): FastifyReply {
    // Without a referrer, browsers send no origin with the form either, and it is refused like that of another site.
    return this.send(reply.header('referrer-policy', 'same-origin'), FORM_PAGE_CSP, title, body);
  }

  /** After something was sent by mail. */
  checkMail(reply: FastifyReply, content: Html): FastifyReply {
    const here = html` This server sends no real mails yet: yours is at <a href="${this.path('/dev/mail')}">/dev/mail</a>.`;
    return this.statement(reply, 'Check your mail', html`${content}${this.config.devMail ? here : ''}`);
  }

  /** For a registration link that has expired: a button that has a new one sent. */
  expiredRegistration(reply: FastifyReply, token: string): FastifyReply {
    const { title } = wordsFor('expired');
    const body = html`<p class="lead">They last a day. A new one goes to the address that was registered.</p>
      <form method="post" action="${this.path('/http/register/resend')}">
        <input type="hidden" name="token" value="${token}" />
        <button class="btn primary">Send a new link</button>
      </form>`;
    return this.form(reply, title, body);
  }

  forgotInApp(reply: FastifyReply): boolean {
    return this.seeOther(reply, '/forgot');
  }

  newPasswordInApp(reply: FastifyReply, token: string): boolean {
    return this.seeOther(reply, `/reset/${encodeURIComponent(linkTokenIn(token))}`);
  }

  /** What came of a registration link stands behind the #, which no server and no log gets to see. */
  welcomeInApp(reply: FastifyReply, outcome: Record<string, string>): boolean {
    return this.seeOther(reply, `/welcome#${new URLSearchParams(outcome).toString()}`);
  }

  private get toApp(): Way | undefined {
    // Below a path with its slash: not all proxies know the path without one.
    const url = this.links.inApp(this.config.appUrl === undefined ? '/' : '');
    return url === undefined ? undefined : { label: 'Go to Parley', url };
  }

  private seeOther(reply: FastifyReply, route: string): boolean {
    const url = this.links.inApp(route);
    // What stands in the fragment is for the app: by this header, browsers would wait before they go there.
    if (url !== undefined) void reply.removeHeader('retry-after').redirect(url, 303);
    return url !== undefined;
  }

  private send(reply: FastifyReply, policy: string, title: string, body: Html): FastifyReply {
    return reply
      .header('content-security-policy', policy)
      .type('text/html; charset=utf-8')
      .send(htmlPage(title, paper(title, body, 'door')));
  }
}

/** On routes that browsers open: errors are pages for browsers, and JSON for programs, as on all other routes. */
@Catch()
@Injectable()
export class PageErrorFilter implements ExceptionFilter {
  constructor(protected readonly pages: Pages) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const request = http.getRequest<FastifyRequest>();
    if (!isBrowser(request.headers.accept)) return sendError(reply, thrown);
    this.show(noteError(reply, thrown), request, reply);
  }

  /** What is shown in place of the general words for this error. */
  protected words(_error: DomainError): Partial<Words> {
    return {};
  }

  /** The link on the page; undefined: to the app. */
  protected way(_error: DomainError): Way | undefined {
    return undefined;
  }

  protected show(error: DomainError, _request: FastifyRequest, reply: FastifyReply): void {
    const { title, sentence } = { ...wordsFor(error.code, error.details.retry_after), ...this.words(error) };
    this.pages.statement(reply.status(error.status), title, html`${sentence}`, this.way(error));
  }
}

/** The same for registration links: one that has expired can be replaced. */
@Catch()
@Injectable()
export class RegistrationPageErrorFilter extends PageErrorFilter {
  protected override words({ code, details: { retry_after: retryAfter } }: DomainError): Partial<Words> {
    if (code === 'not_found')
      return { sentence: 'A part of it may be missing: open it in the mail itself, or register again.' };
    if (code === 'already_registered' && retryAfter !== undefined)
      return {
        title: 'This address is kept.',
        sentence: `An account had it until a short time ago, and can still get it back. Register it again in ${inWords(retryAfter)}.`,
      };
    return {};
  }

  protected override show(error: DomainError, request: FastifyRequest, reply: FastifyReply): void {
    const { token } = request.params as { token: string };
    const { retry_after: retryAfter } = error.details;
    const outcome = {
      error: error.code,
      ...(error.code === 'expired' ? { token: linkTokenIn(token) } : {}),
      ...(retryAfter === undefined ? {} : { retry_after: String(retryAfter) }),
    };
    if (this.pages.welcomeInApp(reply, outcome)) return;
    if (error.code !== 'expired') return super.show(error, request, reply);
    this.pages.expiredRegistration(reply.status(error.status), token);
  }
}
