import { Catch, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { DomainError } from '../../common/errors.js';
import type { ErrorCode } from '../../common/error-codes.js';
import { html } from '../../common/http/html.js';
import { USED_LINK, type Words } from '../page-words.js';
import { PageErrorFilter, Pages } from '../pages.js';

/** The pages where links to new addresses lead, and ways back to former ones. */
@Injectable()
export class EmailPages {
  constructor(private readonly pages: Pages) {}

  askToConfirm(reply: FastifyReply, token: string, email: string): FastifyReply {
    return this.pages.form(
      reply,
      'Use this address?',
      html`<p class="lead"><b>${email}</b> becomes the address of the account at ${this.pages.serverName} that has asked for it.</p>
        <form method="post" action="${this.pages.path('/http/email/confirm')}">
          <input type="hidden" name="token" value="${token}" />
          <button class="btn primary">Use this address</button>
        </form>
        <p class="after">If it was not you who asked, close this page: nothing has changed.</p>`,
    );
  }

  askToReturn(reply: FastifyReply, token: string, email: string): FastifyReply {
    return this.pages.form(
      reply,
      'Was it not you?',
      html`<p class="lead"><b>${email}</b> becomes the address of your account at ${this.pages.serverName} again. All devices are logged out, its password is not valid any more, and a mail to this address leads to a new one.</p>
        <form method="post" action="${this.pages.path('/http/email/return')}">
          <input type="hidden" name="token" value="${token}" />
          <button class="btn primary">Take the new address back</button>
        </form>
        <p class="after">If it was you, close this page: nothing has changed.</p>`,
    );
  }

  confirmed(reply: FastifyReply, email: string): FastifyReply {
    const content = html`Log in with <b>${email}</b> from now on. The address until now got a mail about it.`;
    return this.pages.statement(reply, 'Your address is changed', content);
  }

  returned(reply: FastifyReply): FastifyReply {
    const content = html`All devices were logged out. Your mail has a link to a new password, which is good for an hour.`;
    return this.pages.checkMail(reply, content);
  }
}

const WORDS: Partial<Record<ErrorCode, Partial<Words>>> = {
  not_found: USED_LINK,
  expired: { sentence: 'Nothing was changed.' },
  already_registered: {
    title: 'This address is taken.',
    sentence: 'It belongs to another account. Nothing was changed.',
  },
  domain_not_allowed: {
    title: 'Not with this address.',
    sentence: 'This server takes only addresses of some domains. Nothing was changed.',
  },
  suspended: { title: 'This account is suspended.', sentence: 'Ask those who run this server.' },
  password_too_new: {
    title: 'Not yet.',
    sentence:
      'The password was set a short time ago without the one before it. Set one with a link from a mail, or wait.',
  },
};

@Catch()
@Injectable()
export class EmailPageErrorFilter extends PageErrorFilter {
  protected override words({ code }: DomainError): Partial<Words> {
    return WORDS[code] ?? {};
  }
}
