import { Body, Controller, Get, Headers, HttpCode, Param, Post, Res, UseFilters } from '@nestjs/common';
import { ApiAcceptedResponse, ApiConsumes, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isBrowser } from '../common/http/accept.js';
import { ApiErrors } from '../common/http/api.js';
import { Network } from '../common/limits/client-network.js';
import { html } from '../common/http/html.js';
import { Public } from '../common/identity.js';
import { Done, PASSWORD } from './dto/login.dto.js';
import { MailAnswer, MailRequest, ResetPasswordRequest, RestorePasswordRequest } from './dto/recovery.dto.js';
import { Pages, PasswordPageErrorFilter } from './pages.js';
import { PasswordResetService } from './password-reset.service.js';
import { PasswordRestoreService } from './password-restore.service.js';

const FORGOT_ANSWER = 'If the address has an account, a mail with a link is on its way to it.';

/** Each of these serves programs with JSON, and browsers with a page: the links stand in mails. */
@ApiTags('account')
@ApiProduces('application/json', 'text/html')
@Controller('http/password')
@UseFilters(PasswordPageErrorFilter)
export class PasswordController {
  constructor(
    private readonly resets: PasswordResetService,
    private readonly replaced: PasswordRestoreService,
    private readonly pages: Pages,
  ) {}

  @Get('forgot')
  @Public()
  @ApiOperation({ summary: 'A page that asks for an address' })
  @ApiProduces('text/html')
  @ApiOkResponse()
  askForAddress(@Res() reply: FastifyReply) {
    return this.pages.form(
      reply,
      'Set a new password',
      html`<p>Parley sends you a mail with a link, good for one hour.</p>
        <form method="post" action="${this.pages.path('/http/password/forgot')}">
          <label for="email">Your e-mail address</label>
          <input id="email" name="email" type="email" maxlength="254" autocomplete="email" required />
          <button>Send the mail</button>
        </form>`,
    );
  }

  @Post('forgot')
  @Public()
  @HttpCode(202)
  @ApiOperation({ summary: 'Sends a link by mail to an address that has an account' })
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @ApiAcceptedResponse({ type: MailAnswer })
  @ApiErrors(400, 429, 503)
  async forgot(
    @Body() { email }: MailRequest,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    await this.resets.forgot(email, network);
    if (isBrowser(accept)) return this.pages.sentence(reply, 'Look into your mail', FORGOT_ANSWER);
    return reply.send({ message: FORGOT_ANSWER } satisfies MailAnswer);
  }

  @Get('reset/:token')
  @Public()
  @ApiOperation({ summary: 'Opens the link from the mail: says whether it can be used, and changes nothing' })
  @ApiOkResponse({ type: Done })
  @ApiErrors(404, 410, 429)
  async askForPassword(
    @Param('token') token: string,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    await this.resets.assertUsable(token, network);
    if (!isBrowser(accept)) return reply.send({ ok: true } satisfies Done);
    return this.pages.form(
      reply,
      'Choose a new password',
      html`<p>It ends all sessions of your account: log in with it afterwards.</p>
        <form method="post" action="${this.pages.path('/http/password/reset')}">
          <input type="hidden" name="token" value="${token}" />
          <label for="password">New password, at least ${String(PASSWORD.min)} characters</label>
          <input
            id="password"
            name="password"
            type="password"
            minlength="${String(PASSWORD.min)}"
            maxlength="${String(PASSWORD.max)}"
            autocomplete="new-password"
            required
          />
          <button>Set the password</button>
        </form>`,
    );
  }

  @Post('reset')
  @Public()
  @HttpCode(200)
  @ApiOperation({ summary: 'Sets a new password with the token of a link, and ends all sessions of the account' })
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @ApiOkResponse({ type: Done })
  @ApiErrors(400, 404, 410, 429, 503)
  async reset(
    @Body() request: ResetPasswordRequest,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    await this.resets.reset(request, network);
    if (!isBrowser(accept)) return reply.send({ ok: true } satisfies Done);
    return this.pages.sentence(reply, 'Your password is set', 'Log in with it. All earlier sessions have ended.');
  }

  @Get('restore/:token')
  @Public()
  @ApiOperation({
    summary: 'Opens the link from the mail about a new password: says whether it can be used, and changes nothing',
  })
  @ApiOkResponse({ type: Done })
  @ApiErrors(404, 410, 429)
  async askToRestore(
    @Param('token') token: string,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    await this.replaced.assertUsable(token, network);
    if (!isBrowser(accept)) return reply.send({ ok: true } satisfies Done);
    return this.pages.form(
      reply,
      'Was it not you?',
      html`<p>This takes the new password back: the one before it is valid again, and all sessions of your account end.</p>
        <form method="post" action="${this.pages.path('/http/password/restore')}">
          <input type="hidden" name="token" value="${token}" />
          <button>Take the new password back</button>
        </form>`,
    );
  }

  @Post('restore')
  @Public()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Takes a new password back with the token of a link: the former one is valid again, and all sessions end',
  })
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @ApiOkResponse({ type: Done })
  @ApiErrors(400, 404, 410, 429, 503)
  async restore(
    @Body() { token }: RestorePasswordRequest,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    await this.replaced.restore(token, network);
    if (!isBrowser(accept)) return reply.send({ ok: true } satisfies Done);
    return this.pages.sentence(
      reply,
      'Your former password is back',
      'All sessions have ended: log in with it. If somebody else may know it, too, set a new one.',
      { label: 'Set a new password', path: '/http/password/forgot' },
    );
  }
}
