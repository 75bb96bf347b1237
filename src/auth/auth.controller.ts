import { Body, Controller, Get, Headers, HttpCode, Param, Post, Res, UseFilters } from '@nestjs/common';
import { ApiAcceptedResponse, ApiConsumes, ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { isBrowser } from '../common/http/accept.js';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { html } from '../common/http/html.js';
import { Network } from '../common/limits/client-network.js';
import { CurrentUser, type Identity, Public } from '../common/identity.js';
import { Done, LoginAnswer, LoginRequest } from './dto/login.dto.js';
import { MailAnswer, ResendRequest } from './dto/recovery.dto.js';
import { RegisteredAnswer, RegisterRequest } from './dto/register.dto.js';
import { LoginService } from './login.service.js';
import { PageErrorFilter, Pages, RegistrationPageErrorFilter } from './pages.js';
import { RegistrationService } from './registration.service.js';
import { Sessions } from '../identity/sessions.js';

const RESEND_ANSWER = 'If such a registration waits, a mail with a new link is on its way to its address.';

@ApiTags('account')
@Controller('http')
export class AuthController {
  constructor(
    private readonly registrations: RegistrationService,
    private readonly logins: LoginService,
    private readonly sessions: Sessions,
    private readonly pages: Pages,
  ) {}

  @Post('register')
  @Public()
  @HttpCode(202)
  @ApiOperation({ summary: 'Sends a link by mail; the account exists once the link is opened' })
  @ApiAcceptedResponse({ type: MailAnswer })
  @ApiErrors(400, 403, 429, 503)
  async register(@Body() request: RegisterRequest, @Network() network: string): Promise<MailAnswer> {
    await this.registrations.register(request, network);
    return { message: 'If the address is free, a mail with a link is on its way to it.' };
  }

  @Post('register/resend')
  @Public()
  @HttpCode(202)
  @UseFilters(PageErrorFilter)
  @ApiOperation({
    summary: 'Sends another link for a registration that waits; to callers who know its password or an old link',
  })
  @ApiConsumes('application/json', 'application/x-www-form-urlencoded')
  @ApiProduces('application/json', 'text/html')
  @ApiAcceptedResponse({ type: MailAnswer })
  @ApiErrors(400, 403, 429, 503)
  async resend(
    @Body() request: ResendRequest,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    await this.registrations.resend(request, network);
    if (isBrowser(accept)) return this.pages.checkMail(reply, html`${RESEND_ANSWER}`);
    return reply.send({ message: RESEND_ANSWER } satisfies MailAnswer);
  }

  @Get('register/:token')
  @Public()
  @UseFilters(RegistrationPageErrorFilter)
  @ApiOperation({ summary: 'Opens the link from the mail: creates the account' })
  @ApiOkResponse({ type: RegisteredAnswer })
  @ApiProduces('application/json', 'text/html')
  @ApiErrors(403, 404, 409, 410, 429)
  async confirm(
    @Param('token') token: string,
    @Network() network: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    const email = await this.registrations.confirm(token, network);
    if (!isBrowser(accept)) return reply.send({ ok: true, email } satisfies RegisteredAnswer);
    if (this.pages.welcomeInApp(reply, { email })) return reply;
    const content = html`<b>${email}</b> can log in now, with the password that you chose.`;
    return this.pages.beforeLogin(reply, 'Your account is ready', content);
  }

  @Post('login')
  @Public()
  @HttpCode(200)
  @ApiOperation({ summary: 'Opens a session' })
  @ApiOkResponse({ type: LoginAnswer })
  @ApiErrors(400, 401, 429, 503)
  async login(
    @Body() request: LoginRequest,
    @Network() network: string,
    @Headers('user-agent') device = '',
  ): Promise<LoginAnswer> {
    return { token: await this.logins.login(request, { network, device }) };
  }

  @Get('logout')
  @ApiToken()
  @ApiOperation({ summary: 'Ends the session: its token and its sockets' })
  @ApiOkResponse({ type: Done })
  async logout(@CurrentUser() me: Identity): Promise<Done> {
    await this.sessions.end(me);
    return { ok: true };
  }

  @Post('logout')
  @HttpCode(200)
  @ApiToken()
  @ApiOperation({ summary: 'The same, for clients that use GET only to read' })
  @ApiOkResponse({ type: Done })
  postLogout(@CurrentUser() me: Identity): Promise<Done> {
    return this.logout(me);
  }
}
