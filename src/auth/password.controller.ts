import { Body, Controller, Get, Headers, HttpCode, Param, Post, Res, UseFilters } from '@nestjs/common';
import { ApiAcceptedResponse, ApiConsumes, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isBrowser } from '../common/http/accept.js';
import { ApiErrors } from '../common/http/api.js';
import { Network } from '../common/limits/client-network.js';
import { html } from '../common/http/html.js';
import { Public } from '../common/identity.js';
import { Done } from './dto/login.dto.js';
import { MailAnswer, MailRequest, ResetPasswordRequest, RestorePasswordRequest } from './dto/recovery.dto.js';
import { PasswordPageErrorFilter, PasswordPages } from './password-pages.js';
import { Pages } from './pages.js';
import { PasswordResetService } from './password-reset.service.js';
import { PasswordRestoreService } from './password-restore.service.js';

const FORGOT_ANSWER = 'If the address has an account, a mail with a link is on its way to it.';

/** Each of these routes answers programs with JSON, and browsers with a page: the links are opened from mails. */
@ApiTags('account')
@ApiProduces('application/json', 'text/html')
@Controller('http/password')
@UseFilters(PasswordPageErrorFilter)
export class PasswordController {
  constructor(
    private readonly resets: PasswordResetService,
    private readonly replaced: PasswordRestoreService,
    private readonly pages: Pages,
    private readonly forms: PasswordPages,
  ) {}

  @Get('forgot')
  @Public()
  @ApiOperation({ summary: 'A page that asks for an address' })
  @ApiProduces('text/html')
  @ApiOkResponse()
  askForAddress(@Headers('accept') accept: string | undefined, @Res() reply: FastifyReply) {
    if (isBrowser(accept) && this.pages.forgotInApp(reply)) return reply;
    return this.forms.askForAddress(reply);
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
    if (isBrowser(accept))
      return this.pages.checkMail(
        reply,
        html`If <b>${email}</b> has an account at ${this.pages.serverName}, a mail with a link is on its way to it. The link is good for an hour.`,
      );
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
    if (isBrowser(accept) && this.pages.newPasswordInApp(reply, token)) return reply;
    const email = await this.resets.assertUsable(token, network);
    if (!isBrowser(accept)) return reply.send({ ok: true } satisfies Done);
    return this.forms.askForPassword(reply, token, email);
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
    return this.pages.beforeLogin(
      reply,
      'Your password is set',
      html`All of your devices were logged out: log in with the new one.`,
    );
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
    const email = await this.replaced.assertUsable(token, network);
    if (!isBrowser(accept)) return reply.send({ ok: true } satisfies Done);
    return this.forms.askToRestore(reply, token, email);
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
    return this.pages.statement(
      reply,
      'Your former password is back',
      html`All devices were logged out: log in with it. If somebody else may know it, too, set a new one.`,
      { label: 'Set a new password', url: this.pages.links.forgot },
    );
  }
}
