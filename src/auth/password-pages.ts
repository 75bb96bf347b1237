import { Catch, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DomainError } from '../common/errors.js';
import { type Html, html } from '../common/http/html.js';
import { noteError } from '../common/http/http-error.filter.js';
import { ClientNetworks } from '../common/limits/client-network.js';
import { MAX_EMAIL } from './dto/email.field.js';
import { PASSWORD } from './dto/login.dto.js';
import { USED_LINK, type Words, wordsFor } from './page-words.js';
import { PageErrorFilter, Pages, type Way } from './pages.js';
import { PasswordResetService } from './password-reset.service.js';

/** What was wrong with a form that is shown again: beside its field, or above all fields. */
interface Problem {
  field?: string;
  above?: string;
}

/** The forms for a new password. */
@Injectable()
export class PasswordPages {
  constructor(private readonly pages: Pages) {}

  askForAddress(reply: FastifyReply, email = '', problem: Problem = {}): FastifyReply {
    return this.pages.form(
      reply,
      'Set a new password',
      html`<p class="lead">For your account at <b>${this.pages.serverName}</b>. You get a mail with a link, which is good for an hour.</p>
        ${alert(problem)}
        <form method="post" action="${this.pages.path('/http/password/forgot')}">
          <div class="field">
            <label for="email">E-mail address</label>
            <input id="email" name="email" type="email" maxlength="${String(MAX_EMAIL)}" autocomplete="email" value="${email}" required ${described('email', problem)} />
            ${beside('email', problem)}
          </div>
          <button class="btn primary">Send the link</button>
        </form>`,
    );
  }

  /** @param email whose account it is; undefined where that could not be read */
  askForPassword(reply: FastifyReply, token: string, email: string | undefined, problem: Problem = {}): FastifyReply {
    return this.pages.form(
      reply,
      'Choose a new password',
      html`<p class="lead">${this.account(email)} It logs out all of your devices.</p>
        ${alert(problem)}
        <form method="post" action="${this.pages.path('/http/password/reset')}">
          <input type="hidden" name="token" value="${token}" />
          ${email === undefined ? '' : knownAs(email)}
          <div class="field">
            <label for="password">New password</label>
            <input id="password" name="password" type="password" minlength="${String(PASSWORD.min)}" maxlength="${String(PASSWORD.max)}" autocomplete="new-password" required ${described('password', problem, 'rules')} />
            ${beside('password', problem)}
            <p class="hint" id="rules">At least ${String(PASSWORD.min)} characters: several words, say. Not one that many people use, and not your name or address.</p>
          </div>
          <button class="btn primary">Set the password</button>
        </form>`,
    );
  }

  askToRestore(reply: FastifyReply, token: string, email: string): FastifyReply {
    return this.pages.form(
      reply,
      'Was it not you?',
      html`<p class="lead">${this.account(email)} The new password is taken back, the one before it is valid again, and all devices are logged out.</p>
        <form method="post" action="${this.pages.path('/http/password/restore')}">
          <input type="hidden" name="token" value="${token}" />
          <button class="btn primary">Take the new password back</button>
        </form>
        <p class="after">If it was you, close this page: nothing has changed.</p>`,
    );
  }

  private account(email: string | undefined): Html {
    const server = this.pages.serverName;
    return email === undefined ? html`For your account at <b>${server}</b>.` : html`For <b>${email}</b> at ${server}.`;
  }
}

/** For password managers, which keep the new password under the address. It is not sent. */
const knownAs = (email: string): Html =>
  html`<div class="field">
    <label for="account">E-mail address</label>
    <input id="account" type="email" value="${email}" autocomplete="username" readonly />
  </div>`;

const alert = ({ above }: Problem): Html =>
  above === undefined ? html`` : html`<p class="alert" role="alert">${above}</p>`;

const beside = (name: string, { field }: Problem): Html =>
  field === undefined ? html`` : html`<p class="err" id="${name}-problem">${field}</p>`;

/** Attributes of the input: what describes it, and the focus where it has to be mended. */
function described(name: string, { field }: Problem, ...also: string[]): Html {
  const ids = [...(field === undefined ? [] : [`${name}-problem`]), ...also].join(' ');
  return html`${field === undefined ? '' : html`aria-invalid="true" autofocus `}${ids === '' ? '' : html`aria-describedby="${ids}"`}`;
}

/** Errors after which the same form can be sent again. */
const WORTH_ANOTHER_TRY: ReadonlySet<string> = new Set(['rate_limited', 'busy', 'unavailable']);

/**
 * On the routes of passwords: a form that was refused is shown again with what may be kept, which is never the password; and a link that does
 * not work leads to a new one.
 */
@Catch()
@Injectable()
export class PasswordPageErrorFilter extends PageErrorFilter {
  constructor(
    pages: Pages,
    private readonly forms: PasswordPages,
    private readonly resets: PasswordResetService,
    private readonly networks: ClientNetworks,
  ) {
    super(pages);
  }

  protected override words({ code }: DomainError): Partial<Words> {
    if (code === 'not_found') return USED_LINK;
    // Nobody can ask for another link that takes a password back.
    return code === 'expired' ? { sentence: 'Ask for a link to a new password.' } : {};
  }

  protected override way({ code }: DomainError): Way | undefined {
    if (code !== 'not_found' && code !== 'expired') return undefined;
    return { label: 'Ask for a new link', url: this.pages.links.forgot };
  }

  protected override show(error: DomainError, request: FastifyRequest, reply: FastifyReply): void {
    void reply.status(error.status);
    const sent = (request.body ?? {}) as Record<string, unknown>;
    const url = request.routeOptions.url ?? '';
    if (request.method === 'POST' && url.endsWith('/forgot') && typeof sent['email'] === 'string') {
      const problem = problemWith(error, 'email', 'Enter an address like ada@example.com.');
      if (problem) return void this.forms.askForAddress(reply, sent['email'], problem);
    }
    if (request.method === 'POST' && url.endsWith('/reset') && typeof sent['token'] === 'string') {
      const problem = problemWith(error, 'password', passwordProblem(error, sent['password']));
      if (problem) return this.showReset(reply, request, sent['token'], problem);
    }
    super.show(error, request, reply);
  }

  private showReset(reply: FastifyReply, request: FastifyRequest, token: string, problem: Problem): void {
    const show = (email?: string): void => void this.forms.askForPassword(reply, token, email, problem);
    this.resets.assertUsable(token, this.networks.networkOf(request.raw)).then(show, (thrown: unknown) => {
      const error = noteError(reply, thrown);
      // Whose account it is can wait; whether the link works cannot.
      if (WORTH_ANOTHER_TRY.has(error.code)) show();
      else super.show(error, request, reply);
    });
  }
}

/** Undefined where the form is of no more use. */
function problemWith({ code, details }: DomainError, field: string, sentence: string): Problem | undefined {
  if (code === 'invalid') return Object.keys(details.fields ?? {}).join() === field ? { field: sentence } : undefined;
  const { title, sentence: cure } = wordsFor(code, details.retry_after);
  return WORTH_ANOTHER_TRY.has(code) ? { above: `${title} ${cure}` } : undefined;
}

function passwordProblem({ details }: DomainError, password: unknown): string {
  const isShort = typeof password !== 'string' || Array.from(password.trim()).length < PASSWORD.min;
  return isShort
    ? `At least ${PASSWORD.min} characters.`
    : `This password ${details.fields?.['password']?.[0] ?? 'does not do'}.`;
}
